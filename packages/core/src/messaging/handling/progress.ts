/**
 * How far a group has come here, for those who read what it writes: a read can wait until it contains what the reader did just
 * before.
 */
/** What is asked of the stream: the last sequence of a partition that the group is to get; 0 when there is none. */
export type AskHead = (partition: number) => Promise<number>;

interface Waiter {
  readonly reached: (sequence: number, position: number) => boolean;
  readonly resolve: () => void;
}

interface PartitionProgress {
  sequence: number;
  position: number;
  readonly waiters: Set<Waiter>;
}

const usualWaitMs = 1_000;

export class Progress {
  readonly #partitions: PartitionProgress[];
  readonly #head = Promise.withResolvers<AskHead>();
  /** Questions asked in one turn share an answer: it cannot be older than any of them. */
  #heads: Promise<readonly number[]> | undefined;

  /** @param partitions as the contract says. */
  constructor(partitions: number) {
    this.#partitions = Array.from({ length: partitions }, unknownProgress);
  }

  /** For the group: the stream is known. It may have been made with another number of partitions. */
  attach(partitions: number, head: AskHead): void {
    this.#head.resolve(head);
    while (this.#partitions.length < partitions) this.#partitions.push(unknownProgress());
    this.#partitions.length = partitions;
  }

  /**
   * Position of the last message of a partition whose effects are on disk, with all before it: its sequence, or what the
   * subscription's `position` made of it. -1: none yet, or not known yet.
   */
  applied(partition = 0): number {
    return this.#of(partition).position;
  }

  /** Resolves once the position is applied; rejects with the signal's reason when that aborts before. */
  waitFor(
    position: number,
    options: { readonly signal?: AbortSignal; readonly partition?: number } = {},
  ): Promise<void> {
    const { signal, partition = 0 } = options;
    return this.#wait(partition, (_, applied) => applied >= position, signal);
  }

  /**
   * Waits until everything that is in the stream now is applied here, for `withinMs` (default 1 s) at most. False when it
   * cannot be had: what is known is then better than no answer, but that something is not there is not known.
   */
  async caughtUp(
    options: { readonly signal?: AbortSignal; readonly withinMs?: number } = {},
  ): Promise<boolean> {
    const limit = AbortSignal.timeout(options.withinMs ?? usualWaitMs);
    const signal = options.signal ? AbortSignal.any([options.signal, limit]) : limit;
    try {
      const heads = await abortable(this.#askHeads(), signal);
      await Promise.all(
        heads.map((head, partition) => this.#wait(partition, (sequence) => sequence >= head, signal)),
      );
      return true;
    } catch {
      return false;
    }
  }

  /** For the group: what is on disk. */
  reached(partition: number, sequence: number, position: number): void {
    const progress = this.#of(partition);
    progress.sequence = sequence;
    progress.position = position;
    for (const waiter of progress.waiters) {
      if (!waiter.reached(sequence, position)) continue;
      progress.waiters.delete(waiter);
      waiter.resolve();
    }
  }

  #of(partition: number): PartitionProgress {
    const found = this.#partitions[partition];
    if (found) return found;
    throw new RangeError(`there is no partition ${partition} of ${this.#partitions.length}`);
  }

  #wait(
    partition: number,
    reached: (sequence: number, position: number) => boolean,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { sequence, position, waiters } = this.#of(partition);
    if (reached(sequence, position)) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter = {
        reached,
        resolve: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      waiters.add(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  #askHeads(): Promise<readonly number[]> {
    if (!this.#heads) {
      this.#heads = this.#head.promise.then((ask) =>
        Promise.all(this.#partitions.map((_, partition) => ask(partition))),
      );
      queueMicrotask(() => {
        this.#heads = undefined;
      });
    }
    return this.#heads;
  }
}

function unknownProgress(): PartitionProgress {
  return { sequence: -1, position: -1, waiters: new Set() };
}

function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = (): void => reject(signal.reason);
    signal.addEventListener('abort', giveUp, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
  });
}
