/**
 * Reads a partition whose owners died again and again without getting any further: one message at a time, each noted before it is
 * handled. If the owner dies once more, it is clear which message it was (see `suspicion.ts`). Behind everything that can have been
 * in the hand of those who died, it reads on as usual.
 */
import type { Msg } from '@nats-io/nats-core';
import type { Logger } from '../../telemetry/log.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import type { AttemptBook } from './attempt-book.ts';
import { isGuilty } from './suspicion.ts';

/** Who brings the messages of a partition. */
export interface PartitionReader {
  /** So many messages are done with: as many more may come. */
  release(count: number): void;
  stop(): void;
}

export type OnDelivery = (message: Msg, delivery: Delivery) => void;

export interface CautiousReaderOptions {
  /** Begins behind a sequence. */
  readonly open: (after: number, capacity: number, onMessage: OnDelivery) => PartitionReader;
  readonly after: number;
  /** Of the usual reader: so many messages may have been in hand. */
  readonly capacity: number;
  readonly book: AttemptBook;
  readonly handle: OnDelivery;
  /** It has killed often enough: it becomes a dead letter. */
  readonly condemn: OnDelivery;
  readonly log: Logger;
}

export class CautiousReader implements PartitionReader {
  readonly #options: CautiousReaderOptions;
  #reader: PartitionReader;
  #isCautious = true;
  #left: number;
  #last: number;
  #isStopped = false;
  /** The message in hand, and how often it was there when a process died before. */
  #noted: { readonly sequence: number; readonly crashes: number } | undefined;

  constructor(options: CautiousReaderOptions) {
    this.#options = options;
    this.#left = options.capacity;
    this.#last = options.after;
    this.#reader = options.open(
      options.after,
      1,
      (message, delivery) => void this.#consider(message, delivery),
    );
  }

  release(count: number): void {
    if (this.#isCautious) void this.#acquit(count);
    else this.#reader.release(count);
  }

  stop(): void {
    this.#isStopped = true;
    this.#reader.stop();
  }

  async #consider(message: Msg, delivery: Delivery): Promise<void> {
    const { handle, condemn } = this.#options;
    this.#last = delivery.sequence;
    // The last one that is there: whatever comes later was in nobody's hand.
    this.#left = delivery.pending === 0 ? 0 : this.#left - 1;
    const guilty = await this.#note(delivery.sequence);
    if (this.#isStopped) return;
    if (guilty) condemn(message, delivery);
    else handle(message, delivery);
  }

  /** True for one that has killed often enough. */
  async #note(sequence: number): Promise<boolean> {
    const crashes = await this.#tryTo(async (book) => (await book.read(sequence))?.crashes ?? 0);
    if (crashes === undefined || isGuilty(crashes)) return crashes !== undefined;
    this.#noted = { sequence, crashes };
    await this.#tryTo((book) => book.write(sequence, { failed: 0, crashes: crashes + 1 }));
    return false;
  }

  /** It is done with, and the process lives. That is noted before the next one comes, which may be the killer. */
  async #acquit(count: number): Promise<void> {
    const noted = this.#noted;
    this.#noted = undefined;
    if (noted) {
      const { sequence, crashes } = noted;
      await this.#tryTo((book) => book.write(sequence, { failed: 0, crashes }));
    }
    if (this.#left === 0) this.#readOn();
    else this.#reader.release(count);
  }

  /** Work goes on without notes: a killer among it is found out later. */
  async #tryTo<T>(work: (book: AttemptBook) => Promise<T>): Promise<T | undefined> {
    const { book, log } = this.#options;
    try {
      return await work(book);
    } catch (error) {
      log.warn('what is known of a suspected message cannot be read or noted', { error });
      return undefined;
    }
  }

  #readOn(): void {
    const { open, capacity, handle } = this.#options;
    this.#isCautious = false;
    this.#reader.stop();
    if (!this.#isStopped) this.#reader = open(this.#last, capacity, handle);
  }
}
