/**
 * The engine's log in a service that follows it. It is the event `logged` of `matching`: every entry, in order, exactly once.
 *
 * ```ts
 * subscribe(Matching.logged, { group: 'ledger', ...followed }, (entry, { state }) => state.bookkeeper.book(entry))
 * ```
 *
 * What a service answers may be a few entries behind. A read that is to contain what its reader has done just before asks the
 * engine how far the log goes, and waits for that entry; the stream of the log would not do, since it may be behind itself.
 */
import type { Client, Database } from 'flotilla';
import type { LogEntry, Matching } from './contract.ts';

/** How the log is followed: in the transaction of the effects, without a gap, and never giving up on an entry. */
export const followed = {
  transaction: true,
  position: ({ sequence }: LogEntry): number => sequence,
  gapless: true,
  exhausted: 'wait',
  retry: { transient: { attempts: 1_000_000, firstMs: 50, mostMs: 1_000 } },
  handledUpTo: formerCheckpoint,
} as const;

export interface EngineLogOptions {
  /** A client of `matching` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Matching>, 'head'>;
  /** How far the service has applied the log: positions are sequences of entries. */
  readonly progress: LogProgress;
}

/** What a follower's progress has to tell; that of a consumer group does. */
export interface LogProgress {
  /** Sequence of the last entry whose effects are on disk, with all before it. */
  applied(): number;
  /** Resolves once `applied` is at least `sequence`; rejects with the signal's reason when that aborts before. */
  waitFor(sequence: number, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

/** A read waits at most this long for the head of the log, and then for its own service to get there. */
const HEAD_MS = 200;
const CATCH_UP_MS = 1_000;

export class EngineLog {
  readonly #client: EngineLogOptions['client'];
  readonly #progress: LogProgress;
  #headAsked: Promise<number> | undefined;

  constructor({ client, progress }: EngineLogOptions) {
    this.#client = client;
    this.#progress = progress;
  }

  /** Sequence of the last entry whose effects are on disk, with all before it. */
  get applied(): number {
    return this.#progress.applied();
  }

  /** Resolves once `applied` is at least `sequence`; rejects with the signal's reason when that aborts before. */
  waitFor(sequence: number, signal?: AbortSignal): Promise<void> {
    return this.#progress.waitFor(sequence, signal ? { signal } : {});
  }

  /**
   * Waits until everything that was acknowledged before this call is applied here: for at most 1.2 s, and not at all
   * while matching is away. Resolves to whether it is. Where it is not, what is known is better than no answer; but
   * that something is not there is then not known.
   */
  async caughtUp({ signal }: { readonly signal?: AbortSignal } = {}): Promise<boolean> {
    try {
      const head = await this.#head();
      if (head <= this.applied) return true;
      const limit = AbortSignal.timeout(CATCH_UP_MS);
      await this.waitFor(head, signal ? AbortSignal.any([signal, limit]) : limit);
      return true;
    } catch {
      return false;
    }
  }

  /** Questions asked in one go share an answer: it cannot be older than any of them. */
  #head(): Promise<number> {
    if (this.#headAsked === undefined) {
      this.#headAsked = this.#client.head({}, { deadlineMs: HEAD_MS }).then(({ sequence }) => sequence);
      queueMicrotask(() => {
        this.#headAsked = undefined;
      });
    }
    return this.#headAsked;
  }
}

/**
 * Where a service is that followed the log before there were events: it kept the last entry in a table of its own, in which
 * a new database has 0.
 */
function formerCheckpoint(database: Database): number {
  return Number(database.prepare('SELECT sequence FROM log_checkpoint').get()!.sequence);
}
