/**
 * For tests of what a crash may do: the real sequencer on a real file, behind a client whose calls can be lost in every
 * way in which a call can be lost. The client survives the crashes, as a connection pool does.
 */
import { type Client, type Logger, platformError } from 'flotilla';
import * as answers from '../answers.ts';
import type { Matching } from '../contract.ts';
import {
  apply,
  createState,
  depth,
  markets,
  type OrderState,
  openOrders,
  stateHash,
} from '../engine/index.ts';
import { Journal, logEntry } from '../journal.ts';
import { type JournalReport, verifyJournal } from '../journal-verification.ts';
import { Sequencer } from '../sequencer.ts';
import { type CrashableDatabase, crashableDatabase, mortalLogger } from './crashable-database.ts';
import { PublishedLog } from './published-log.ts';

export { type CrashableDatabase, crashableDatabase, mortalLogger } from './crashable-database.ts';
export { LogReader } from './log-reader.ts';
export type { PublishedLog } from './published-log.ts';

/**
 * What happens to the next call: it never leaves; it is refused unread by a busy server; it leaves and never arrives; it arrives, but its answer is lost; its
 * caller gives up, and it arrives later; the engine dies between memory and disk, or between disk and answer.
 */
export type Fault =
  | 'refused'
  | 'overloaded'
  | 'request lost'
  | 'answer lost'
  | 'late'
  | 'crash before commit'
  | 'crash after commit';

interface Running {
  readonly database: CrashableDatabase;
  readonly sequencer: Sequencer;
  readonly stopped: AbortController;
}

export class CrashableMatching {
  readonly #path: string;
  readonly #symbols: readonly string[];
  readonly #log: Logger;
  #running: Running | undefined;
  #late: (() => void)[] = [];
  /** Happen to the next calls of submit and abandon, in order. */
  readonly faults: Fault[] = [];
  /** The log as it was published: it survives the engine. */
  readonly published = new PublishedLog();
  readonly client: Pick<Client<typeof Matching>, 'submit' | 'abandon' | 'head'>;

  constructor(path: string, symbols: readonly string[], log: Logger) {
    this.#path = path;
    this.#symbols = symbols;
    this.#log = log;
    this.client = {
      submit: ({ order }) => this.#call((sequencer) => answers.submit(sequencer, order)),
      abandon: ({ id }) => this.#call((sequencer) => answers.abandon(sequencer, id)),
      head: async () => ({ sequence: this.#up().sequencer.durableHead }),
    };
  }

  start(): void {
    const database = crashableDatabase(this.#path, new URL('../migrations/', import.meta.url));
    const stopped = new AbortController();
    const sequencer = new Sequencer({
      database,
      log: mortalLogger(this.#log, stopped.signal),
      now: Date.now,
      onDurable: (entries) => this.published.append(entries.map(logEntry)),
      onFatal: () => {},
      snapshotInterval: 20,
    });
    // What a crash left in the journal alone.
    const { entries } = this.published;
    this.published.append([...sequencer.journal.after(entries.length)].map(logEntry));
    for (const symbol of this.#symbols) sequencer.setMarket(symbol, 'open');
    this.#running = { database, sequencer, stopped };
  }

  crash(): void {
    const { database, stopped } = this.#up();
    this.#running = undefined;
    stopped.abort(lost('unknown'));
    database.crash();
  }

  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Calls under way for long arrive now, in the order in which they left. */
  deliverLate(): void {
    for (const deliver of this.#late.splice(0)) deliver();
  }

  async cancel(id: string): Promise<void> {
    const { sequencer } = this.#up();
    sequencer.cancel(id, undefined);
    await sequencer.durable();
  }

  /** Orders on the books, and the hash of the state. */
  view(): { readonly open: readonly OrderState[]; readonly stateHash: string; readonly isCrossed: boolean } {
    const { state } = this.#up().sequencer;
    const isCrossed = markets(state).some(({ symbol }) => {
      const { bids, asks } = depth(state, symbol, 1)!;
      return bids.length > 0 && asks.length > 0 && bids[0]![0] >= asks[0]![0];
    });
    return { open: [...openOrders(state)], stateHash: stateHash(state), isCrossed };
  }

  /** Orders on the books after an entry of the journal. */
  openAt(sequence: number): readonly OrderState[] {
    const state = createState();
    for (const entry of new Journal(this.#up().database).after(0)) {
      if (entry.sequence > sequence) break;
      apply(state, entry.command);
    }
    return [...openOrders(state)];
  }

  verify(): JournalReport {
    return verifyJournal(this.#up().database);
  }

  #up(): Running {
    if (this.#running) return this.#running;
    throw lost('no');
  }

  async #call<T>(handle: (sequencer: Sequencer) => Promise<T>): Promise<T> {
    const fault = this.faults.shift();
    if (fault === 'refused') throw lost('no');
    if (fault === 'overloaded') {
      throw platformError('overloaded', 'matching is busy', { data: { executed: 'no' }, retryAfterMs: 50 });
    }
    const { sequencer, stopped } = this.#up();
    // A call takes a moment to arrive; a crash in it looks like a lost request.
    await new Promise((resolve) => setImmediate(resolve));
    if (fault === 'request lost' || stopped.signal.aborted) throw lost('unknown');
    if (fault === 'late') {
      this.#late.push(() => {
        if (this.#running) handle(this.#running.sequencer).catch(() => {});
      });
      throw lost('unknown');
    }
    const answering = handle(sequencer).catch(() => {
      throw lost('unknown');
    });
    if (fault === 'crash before commit') this.crash();
    const answer = await answering;
    if (fault === 'crash after commit' && !stopped.signal.aborted) this.crash();
    if (fault === 'answer lost' || stopped.signal.aborted) throw lost('unknown');
    return answer;
  }
}

function lost(executed: 'no' | 'unknown'): Error {
  return platformError('unavailable', 'matching is unavailable', { data: { executed } });
}
