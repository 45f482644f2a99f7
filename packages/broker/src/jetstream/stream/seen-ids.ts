/** The message ids of a stream: its duplicate window, and what is kept of it on disk, written once per batch. */
import { MessageIdTable } from '../store/message-id-table.ts';
import type { Store } from '../store/store.ts';
import { DuplicateWindow } from './duplicate-window.ts';
import type { MessageLog } from './message-log.ts';

export class SeenIds {
  readonly window: DuplicateWindow;
  readonly #store: Store;
  readonly #log: MessageLog;
  readonly #nowUs: () => number;
  readonly #write = (): void => this.#save();
  #table: MessageIdTable;
  /** Number of the tables that `#table` belongs to. */
  #number: number;
  #saving = false;

  constructor(store: Store, log: MessageLog, windowUs: number, nowUs: () => number) {
    this.#store = store;
    this.#log = log;
    this.#nowUs = nowUs;
    this.#number = log.id;
    this.#table = new MessageIdTable(store, log.id);
    this.window = new DuplicateWindow(windowUs);
    for (const entries of this.#table.load(nowUs() - windowUs)) this.window.restore(entries);
  }

  /** The sequence under which an id was stored within the window; undefined when it was not. */
  find(id: string, nowUs: number): number | undefined {
    return this.window.find(id, nowUs);
  }

  add(id: string, sequence: number, timeUs: number): void {
    this.window.add(id, sequence, timeUs);
    if (this.#saving) return;
    this.#saving = true;
    this.#store.commits.beforeCommit(this.#write);
  }

  #save(): void {
    this.#saving = false;
    const entries = this.window.takeNew();
    if (entries === undefined) return;
    if (this.#number !== this.#log.id) {
      this.#table = new MessageIdTable(this.#store, this.#log.id);
      this.#number = this.#log.id;
    }
    this.#table.insert(this.#log.lastTimeUs, entries);
    this.#table.trim(this.#nowUs() - this.window.windowUs);
  }
}
