/** Whether the participants are to pause: what an operator said last, also across a restart. */
import type { StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';

export class ParticipantsSwitch {
  readonly #database: Database;
  readonly #update: StatementSync;
  #paused: boolean;

  constructor(database: Database) {
    this.#database = database;
    this.#update = database.prepare('UPDATE participants SET paused = ?');
    this.#paused = database.prepare('SELECT paused FROM participants').get()?.paused === 1;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** Takes effect at once; resolves when a restart will know it. */
  async turn(to: 'paused' | 'trading'): Promise<void> {
    this.#paused = to === 'paused';
    await this.#database.write(() => this.#update.run(to === 'paused' ? 1 : 0));
  }
}
