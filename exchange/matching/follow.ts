/**
 * Following the engine's log: every entry, in order, without a gap, exactly once, for ever. The follower keeps its
 * checkpoint in its own database (see {@link LogCheckpoint}) and tells how far it has come, so that a read can wait
 * until it contains what the reader has done just before.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { reconnecting } from '@exchange/reference/reconnect';
import { type Client, type Logger, platformError } from 'flotilla';
import type { LogEntry, Matching } from './contract.ts';

export { LogCheckpoint } from './checkpoint.ts';

export interface FollowOptions {
  /** A client of `matching` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Matching>, 'log' | 'head'>;
  /** The last applied entry: the checkpoint. */
  readonly after: number;
  /**
   * Applies one entry and resolves once its effects, with the checkpoint, are on disk. It is called for the next entry
   * before that, so that commits are pipelined; it must refuse an entry that is not the successor of the last one it
   * took. After a refusal the follower starts again behind the last entry that was applied.
   */
  readonly apply: (entry: LogEntry) => Promise<void> | void;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

interface Waiter {
  readonly sequence: number;
  readonly reached: () => void;
}

/** Entries under way to disk before the stream is made to wait. */
const MOST_PENDING = 256;
/** A read waits at most this long for the head of the log, and then for this follower to get there. */
const HEAD_MS = 200;
const CATCH_UP_MS = 1_000;

/** Starts to follow. It reconnects for as long as `signal` allows. */
export function followLog(options: FollowOptions): LogFollower {
  return new LogFollower(options);
}

export class LogFollower {
  readonly #options: FollowOptions;
  readonly #waiters = new Set<Waiter>();
  /** Entries on disk before one of their predecessors. */
  readonly #early = new Set<number>();
  #applied: number;
  #pending = 0;
  #onSettled: (() => void) | undefined;
  /** Ends the pause before the next attempt to connect. */
  #retryNow: (() => void) | undefined;
  #headAsked: Promise<number> | undefined;
  /** Resolves after `signal` has aborted and every entry taken is on disk or refused. */
  readonly closed: Promise<void>;

  /** Use {@link followLog}. */
  constructor(options: FollowOptions) {
    const { signal, log } = options;
    this.#options = options;
    this.#applied = options.after;
    this.closed = reconnecting((healthy) => this.#follow(healthy), {
      signal,
      pause: (ms, until) => this.#pause(ms, until),
      onAway: (error) => log.warn('the log of matching is away', { after: this.#applied, error }),
      onBack: () => log.info('following the log of matching', { after: this.#applied }),
    });
  }

  /** Sequence of the last entry whose effects are on disk, with all before it. */
  get applied(): number {
    return this.#applied;
  }

  /** Resolves once `applied` is at least `sequence`; rejects with the signal's reason when that aborts before. */
  waitFor(sequence: number, signal?: AbortSignal): Promise<void> {
    if (this.#applied >= sequence) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason);
    return new Promise((resolve, reject) => {
      const giveUp = (): void => {
        this.#waiters.delete(waiter);
        reject(signal?.reason);
      };
      const waiter = {
        sequence,
        reached: () => {
          signal?.removeEventListener('abort', giveUp);
          resolve();
        },
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', giveUp, { once: true });
    });
  }

  /**
   * Waits until everything that was acknowledged before this call is applied here: for at most 1.2 s, and not at all
   * while matching is away. Resolves to whether it is. Where it is not, what is known is better than no answer; but
   * that something is not there is then not known.
   */
  async caughtUp(scope: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
    try {
      const head = await this.#head();
      if (head <= this.#applied) return true;
      // Matching has answered: it is back, if this follower is waiting to try again.
      this.#retryNow?.();
      const limit = AbortSignal.timeout(CATCH_UP_MS);
      await this.waitFor(head, scope.signal ? AbortSignal.any([scope.signal, limit]) : limit);
      return true;
    } catch {
      return false;
    }
  }

  /** Questions asked in one go share an answer: it cannot be older than any of them. */
  #head(): Promise<number> {
    if (this.#headAsked === undefined) {
      this.#headAsked = this.#options.client
        .head({}, { deadlineMs: HEAD_MS })
        .then(({ sequence }) => sequence);
      queueMicrotask(() => {
        this.#headAsked = undefined;
      });
    }
    return this.#headAsked;
  }

  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    const retry = new AbortController();
    this.#retryNow = () => retry.abort();
    // Aborted by the retry or by the end: both go on.
    await delay(ms, undefined, { signal: AbortSignal.any([signal, retry.signal]) }).catch(() => {});
    this.#retryNow = undefined;
  }

  async #follow(healthy: () => void): Promise<void> {
    const { client, signal, log } = this.#options;
    const attempt = new AbortController();
    let next = this.#applied + 1;
    try {
      const entries = client.log({ after: next - 1 }, { signal: AbortSignal.any([signal, attempt.signal]) });
      for await (const entry of entries) {
        if (entry.sequence !== next) {
          const error = gap(next, entry.sequence);
          log.error(error.message);
          throw error;
        }
        next += 1;
        healthy();
        this.#apply(entry, attempt);
        if (this.#pending >= MOST_PENDING) await this.#settled(MOST_PENDING / 2);
        if (attempt.signal.aborted) break;
      }
    } finally {
      await this.#settled(0);
      this.#early.clear();
    }
    if (attempt.signal.aborted) throw attempt.signal.reason;
  }

  #apply(entry: LogEntry, attempt: AbortController): void {
    this.#pending += 1;
    const refused = (error: unknown): void => {
      this.#pending -= 1;
      if (!attempt.signal.aborted) {
        this.#options.log.error('an entry of the log could not be applied', {
          sequence: entry.sequence,
          error,
        });
        attempt.abort(error);
      }
      this.#onSettled?.();
    };
    try {
      Promise.resolve(this.#options.apply(entry)).then(() => this.#reached(entry.sequence), refused);
    } catch (error) {
      refused(error);
    }
  }

  #reached(sequence: number): void {
    this.#pending -= 1;
    this.#early.add(sequence);
    while (this.#early.delete(this.#applied + 1)) this.#applied += 1;
    for (const waiter of this.#waiters) {
      if (waiter.sequence > this.#applied) continue;
      this.#waiters.delete(waiter);
      waiter.reached();
    }
    this.#onSettled?.();
  }

  /** Resolves once at most `count` entries are pending. One caller at a time: the loop of `#follow`. */
  async #settled(count: number): Promise<void> {
    while (this.#pending > count) {
      await new Promise<void>((resolve) => {
        this.#onSettled = resolve;
      });
    }
    this.#onSettled = undefined;
  }
}

function gap(expected: number, got: number): Error {
  return platformError(
    'internal',
    `the log of matching has a gap: expected entry ${expected}, got ${got}. Nothing after ${expected - 1} is applied`,
  );
}
