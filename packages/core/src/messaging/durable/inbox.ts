/** Ids of messages that a group has handled, written in the transaction of their effects, and kept for a while. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from '../../store/database.ts';
import type { Logger } from '../../telemetry/log.ts';

/** Rows removed in one transaction. */
const pruneStep = 1_000;
const pruneEveryMs = 30_000;

export class Inbox {
  readonly #database: Database;
  readonly #log: Logger;
  readonly #keepMs = new Map<string, number>();
  readonly #has: StatementSync;
  readonly #insert: StatementSync;
  readonly #prune: StatementSync;
  readonly #timer: NodeJS.Timeout;

  constructor(database: Database, log: Logger) {
    this.#database = database;
    this.#log = log;
    this.#has = database.prepare('SELECT 1 FROM flotilla_inbox WHERE consumer_group = ? AND id = ?');
    this.#insert = database.prepare('INSERT OR IGNORE INTO flotilla_inbox VALUES (?, ?, ?)');
    this.#prune = database.prepare(
      `DELETE FROM flotilla_inbox WHERE (consumer_group, id) IN
         (SELECT consumer_group, id FROM flotilla_inbox WHERE time < ? AND consumer_group = ? ORDER BY time LIMIT ${pruneStep})`,
    );
    this.#timer = setInterval(() => {
      this.prune().catch((error: unknown) =>
        log.warn('old ids could not be removed from the inbox', { error }),
      );
    }, pruneEveryMs).unref();
  }

  /** A group's ids are kept for so long. */
  keep(group: string, milliseconds: number): void {
    this.#keepMs.set(group, Math.max(milliseconds, this.#keepMs.get(group) ?? 0));
  }

  has(group: string, id: string): boolean {
    return this.#has.get(group, id) !== undefined;
  }

  /** To be called inside of a transaction. False when the message is handled already. */
  mark(group: string, id: string): boolean {
    return this.#insert.run(group, id, Date.now()).changes === 1;
  }

  /** Removes what is older than it has to be, in bounded steps. */
  async prune(now: number = Date.now()): Promise<void> {
    for (const [group, keepMs] of this.#keepMs) {
      let removed: number;
      do {
        removed = await this.#database.write(() => Number(this.#prune.run(now - keepMs, group).changes));
        if (removed > 0) this.#log.debug('old ids were removed from the inbox', { group, removed });
      } while (removed === pruneStep);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
