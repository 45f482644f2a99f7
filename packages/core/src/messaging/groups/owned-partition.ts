/**
 * A partition from the moment that this instance owns it until it is given back or lost: opened, again where its stream was made
 * anew, and told of in the bucket. Who is to own which is the matter of `membership.ts`.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { platformError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import type { PartitionCounts, PartitionRun } from '../handling/partition-run.ts';
import type { PartitionLease, PartitionProgress } from './partition-lease.ts';

/** Begins to read a partition; the run may not exist yet when the lease is lost. */
export type OpenPartition = (
  partition: number,
  lease: PartitionLease,
  onLost: (error: unknown) => void,
  onOtherStream: () => void,
) => Promise<OpenedPartition>;

export interface OpenedPartition {
  readonly run: PartitionRun;
  /** Stops the reader. */
  close(): void;
}

export interface OwnedPartitionOptions {
  readonly partition: number;
  readonly lease: PartitionLease;
  readonly open: OpenPartition;
  /** A write was refused: another owns it. It has still to be told that it is lost. */
  readonly onFenced: (error: unknown) => void;
  readonly log: Logger;
  /** Whose partition it is, for the log. */
  readonly about: { readonly group: string; readonly family: string; readonly partition: number };
}

const reopenMs = 1_000;

export class OwnedPartition {
  readonly lease: PartitionLease;
  readonly #options: OwnedPartitionOptions;
  #opened: OpenedPartition | undefined;
  #isOpening = false;
  #isEnding = false;
  #isLost = false;
  /** Written last, so that an idle partition is not written again. */
  #told = '';

  constructor(options: OwnedPartitionOptions) {
    this.#options = options;
    this.lease = options.lease;
  }

  /** It is being given back. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  /** Undefined while it is not read yet. */
  get counts(): PartitionCounts | undefined {
    return this.#opened?.run.counts;
  }

  /** Tries until it is opened, or not wanted any more; one attempt at a time. */
  async open(): Promise<void> {
    const { log, about } = this.#options;
    if (this.#isOpening) return;
    this.#isOpening = true;
    while (this.#isWanted && !this.#opened) {
      try {
        await this.#openOnce();
      } catch (error) {
        if (toFlotillaError(error).code === 'conflict') {
          this.#fenced(error);
          break;
        }
        log.warn('a partition cannot be read yet', { ...about, error });
        await delay(reopenMs);
      }
    }
    this.#isOpening = false;
  }

  /**
   * Finishes what is in hand for at most `graceMs`, and gives it back.
   *
   * @returns the revision of its record; undefined when it was lost meanwhile.
   * @throws FlotillaError when the record could not be written: others take the partition over later.
   */
  async release(graceMs: number): Promise<number | undefined> {
    this.#isEnding = true;
    this.#opened?.close();
    await this.#opened?.run.stop(graceMs);
    if (this.#isLost) return undefined;
    return await this.lease.release(this.#progress());
  }

  /**
   * Stops at once: what is in hand does not count.
   *
   * @returns how far it came; undefined when it was not read yet.
   */
  lose(): number | undefined {
    const checkpoint = this.#opened?.run.checkpoint;
    this.#isLost = true;
    this.lease.lose();
    this.#opened?.close();
    const { partition } = this.#options;
    this.#opened?.run.abort(platformError('unavailable', `partition ${partition} is read elsewhere`));
    return checkpoint;
  }

  /** Tells in the bucket how far it has come, for operators. */
  report(): void {
    if (!this.#opened || !this.#isWanted || this.#opened.run.savesInBucket) return;
    const progress = this.#progress();
    const text = JSON.stringify(progress);
    if (text === this.#told) return;
    this.#told = text;
    this.lease.write(progress).catch((error: unknown) => {
      this.#told = '';
      if (toFlotillaError(error).code === 'conflict') this.#fenced(error);
    });
  }

  get #isWanted(): boolean {
    return !this.#isLost && !this.#isEnding;
  }

  async #openOnce(): Promise<void> {
    const { partition, open } = this.#options;
    const opened = await open(
      partition,
      this.lease,
      (error) => this.#fenced(error),
      () => this.#reopen(),
    );
    if (this.#isWanted) this.#opened = opened;
    else {
      opened.close();
      opened.run.abort(platformError('unavailable', 'the partition is read elsewhere'));
    }
  }

  /** The stream is another one than that which was read so far. */
  #reopen(): void {
    if (!this.#isWanted) return;
    this.#opened?.close();
    this.#opened?.run.abort(platformError('unavailable', 'the stream is another one than before'));
    this.#opened = undefined;
    void this.open();
  }

  #fenced(error: unknown): void {
    if (!this.#isLost) this.#options.onFenced(error);
  }

  #progress(): PartitionProgress {
    if (!this.#opened) return { sequence: this.lease.sequence, inFlight: 0, retries: 0, deadLetters: 0 };
    const { run } = this.#opened;
    const { inFlight, retries, deadLetters } = run.counts;
    return { sequence: run.checkpoint, inFlight, retries, deadLetters };
  }
}
