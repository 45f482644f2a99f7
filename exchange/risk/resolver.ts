/**
 * Settles orders whose outcome at the engine is not known: after a start, and after calls that were lost on their way.
 * It goes on until there is none left, however long the engine is away.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from 'flotilla';

export interface ResolverOptions<Item> {
  /** What is to be settled now. */
  readonly open: () => Iterable<Item>;
  /** Settles one; rejects when that is to be tried again. */
  readonly settle: (item: Item) => Promise<void>;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const LEAST_PAUSE_MS = 50;
const MOST_PAUSE_MS = 2_000;
/** Asked about at once. */
const AT_ONCE = 32;

export class Resolver<Item> {
  readonly #options: ResolverOptions<Item>;
  #wake: () => void = () => {};
  #isWanted = true;
  /** Resolves after `signal` has aborted. */
  readonly closed: Promise<void>;

  /** It starts with a look. */
  constructor(options: ResolverOptions<Item>) {
    this.#options = options;
    options.signal.addEventListener('abort', () => this.#wake(), { once: true });
    this.closed = this.#run();
  }

  /** There may be something to settle. */
  wake(): void {
    this.#isWanted = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    const { signal, log } = this.#options;
    let wait = LEAST_PAUSE_MS;
    let isWaiting = false;
    while (!signal.aborted) {
      if (!this.#isWanted) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      this.#isWanted = false;
      const failures = await this.#round();
      if (failures.length === 0) {
        wait = LEAST_PAUSE_MS;
        if (isWaiting) log.info('every outcome is known again');
        isWaiting = false;
        continue;
      }
      if (!isWaiting) {
        log.warn('outcomes are unknown until the engine can be asked', {
          count: failures.length,
          error: failures[0],
        });
      }
      isWaiting = true;
      this.#isWanted = true;
      await pause(wait, undefined, { signal }).catch(() => {});
      wait = Math.min(2 * wait, MOST_PAUSE_MS);
    }
  }

  async #round(): Promise<unknown[]> {
    const { open, settle, signal } = this.#options;
    const items = [...open()];
    const failures: unknown[] = [];
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < items.length && !signal.aborted) {
        const item = items[next++]!;
        try {
          await settle(item);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    await Promise.all(Array.from({ length: Math.min(AT_ONCE, items.length) }, worker));
    return failures;
  }
}
