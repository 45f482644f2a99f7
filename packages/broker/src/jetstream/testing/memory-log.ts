/** A log on a database in memory, for tests. */
import { GroupCommit } from '../store/group-commit.ts';
import { Store } from '../store/store.ts';
import { StreamRows } from '../store/stream-rows.ts';
import { MessageLog } from '../stream/message-log.ts';
import { ReadAhead } from '../stream/read-ahead.ts';
import { TailBudget } from '../stream/tail.ts';

export class MemoryLog {
  readonly store: Store;
  readonly #rows: StreamRows;
  /** Sequences of messages that were removed one by one. */
  readonly removed: number[] = [];
  log: MessageLog;

  constructor() {
    // Nothing is committed but by `commit` and `reopen`.
    const commits = new GroupCommit({ schedule() {}, onFailure: fail, onWorkFailure: fail });
    this.store = new Store(':memory:', 'memory', commits);
    this.#rows = new StreamRows(this.store);
    this.#rows.create('S', 1, '{}');
    this.log = this.#open();
  }

  /** Stores messages of one byte, one for each subject. */
  fill(subjects: readonly string[]): void {
    const body = Buffer.from('x');
    for (const subject of subjects) this.log.append(subject, this.log.lastTimeUs + 1, 0, body, 0, 1);
  }

  commit(): void {
    this.store.commits.flush();
  }

  /** Begins again with nothing but what is in the database. */
  reopen(): void {
    this.commit();
    this.log = this.#open();
  }

  #open(): MessageLog {
    const [row] = this.#rows.all();
    // A budget so small that the tail loses messages all the time.
    const budget = new TailBudget(1_500);
    return new MessageLog(this.store, this.#rows, row!, 'file', budget, new ReadAhead(), (sequence) =>
      this.removed.push(sequence),
    );
  }
}

function fail(error: unknown): never {
  throw error;
}
