/**
 * The latest items of a gapless sequence, in memory, from which any number of readers read at their own pace. Memory
 * does not grow with the readers, however slow: the oldest item goes when there are too many, and whoever still needed
 * it has to start again from a snapshot.
 */
import { platformError } from 'flotilla';

export class LiveSequence<T extends { readonly sequence: number }> {
  readonly #capacity: number;
  /** By sequence modulo the capacity. */
  readonly #ring: T[] = [];
  #oldest: number;
  #latest: number;
  #change: PromiseWithResolvers<void> | undefined;

  /**
   * @param latest the sequence that the first item follows; items up to it are not kept.
   * @param capacity how many items are kept.
   */
  constructor(latest: number, capacity: number) {
    this.#capacity = capacity;
    this.#latest = latest;
    this.#oldest = latest + 1;
  }

  /** Sequence of the latest item, also when that was before this process. */
  get latest(): number {
    return this.#latest;
  }

  /** Sequence of the oldest item that is kept; `latest + 1` when there is none. */
  get oldest(): number {
    return this.#oldest;
  }

  /** @throws FlotillaError `internal` when the item does not follow the latest one. Nothing is changed then. */
  append(item: T): void {
    const { sequence } = item;
    if (sequence !== this.#latest + 1) {
      throw platformError('internal', `${sequence} does not follow ${this.#latest}: a source has a gap`);
    }
    this.#latest = sequence;
    this.#ring[sequence % this.#capacity] = item;
    if (sequence - this.#oldest >= this.#capacity) this.#oldest += 1;
    this.wake();
  }

  /** An item; undefined when it is not there yet, or no longer. */
  at(sequence: number): T | undefined {
    if (sequence < this.#oldest || sequence > this.#latest) return undefined;
    return this.#ring[sequence % this.#capacity];
  }

  /**
   * Resolves when there is news: an item, or {@link wake}. All who wait share one promise, so that waiting costs the
   * same for one reader and for a thousand. A reader looks for itself what is new, and whether it still wants to read.
   */
  changed(): Promise<void> {
    this.#change ??= Promise.withResolvers<void>();
    return this.#change.promise;
  }

  /** Makes all who wait look again, for instance because one of them is to stop. */
  wake(): void {
    const change = this.#change;
    this.#change = undefined;
    change?.resolve();
  }
}
