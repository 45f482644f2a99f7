/** Removes messages when they reach the greatest age of their stream, a bounded number at a time. */
import type { MessageOutline } from '../store/message-table.ts';
import type { MessageLog } from './message-log.ts';

/** Messages removed at a time. */
const STEP = 512;
/** Longest time between two looks, in ms: the wall clock may be set while a timer runs. */
const LOOK_MS = 10_000;

export class AgeLimit {
  readonly #log: MessageLog;
  readonly #nowUs: () => number;
  readonly #failed: (error: unknown) => void;
  #maxAgeUs: number;
  #timer: NodeJS.Timeout | undefined;

  /**
   * @param maxAgeUs 0 for no limit.
   * @param failed told when the oldest messages cannot be read. It is tried again with the next message.
   */
  constructor(log: MessageLog, maxAgeUs: number, nowUs: () => number, failed: (error: unknown) => void) {
    this.#failed = failed;
    this.#log = log;
    this.#maxAgeUs = maxAgeUs;
    this.#nowUs = nowUs;
    this.watch();
  }

  set maxAgeUs(maxAgeUs: number) {
    this.#maxAgeUs = maxAgeUs;
    this.close();
    this.watch();
  }

  /** There may be a message to watch. Cheap when there is no limit, or when one is watched already. */
  watch(): void {
    if (this.#maxAgeUs === 0 || this.#timer !== undefined) return;
    const oldest = this.#oldest();
    if (oldest === undefined) return;
    const ms = Math.ceil((oldest.timeUs + this.#maxAgeUs - this.#nowUs()) / 1_000);
    this.#timer = setTimeout(() => this.#expire(), Math.min(Math.max(ms, 1), LOOK_MS));
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #expire(): void {
    this.#timer = undefined;
    const limit = this.#nowUs() - this.#maxAgeUs;
    for (let removed = 0; removed < STEP; removed++) {
      const oldest = this.#oldest();
      if (oldest === undefined || oldest.timeUs > limit) break;
      this.#log.removeFirst();
    }
    this.watch();
  }

  #oldest(): MessageOutline | undefined {
    try {
      return this.#log.first;
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }
}
