/**
 * The log as its followers see it: durable entries only, each in order, for ever. The latest are in memory; who is
 * further behind reads from the journal until it has caught up.
 */
import { platformError } from 'flotilla';
import type { LogEntry } from './contract.ts';
import type { Journal, JournalEntry } from './journal.ts';

/** Entries kept in memory; trimmed when there are twice as many. */
const RECENT = 2_048;

export class EngineLog {
  readonly #journal: Journal;
  /** Without a gap, up to `#durable`. */
  #recent: LogEntry[] = [];
  #durable: number;
  readonly #waiting = new Set<() => void>();

  constructor(journal: Journal, durable: number) {
    this.#journal = journal;
    this.#durable = durable;
  }

  /** Sequence of the last entry on disk. */
  get head(): number {
    return this.#durable;
  }

  /** Entries that have just become durable, in order. */
  publish(entries: readonly JournalEntry[]): void {
    for (const entry of entries) this.#recent.push(logEntry(entry));
    this.#durable += entries.length;
    if (this.#recent.length > 2 * RECENT) this.#recent = this.#recent.slice(-RECENT);
    for (const wake of this.#waiting) wake();
  }

  /**
   * Entries after a sequence, until `signal` aborts.
   *
   * @throws FlotillaError `conflict` when the log does not reach that far: the follower has seen another log.
   */
  async *after(sequence: number, signal: AbortSignal): AsyncGenerator<LogEntry, void> {
    if (sequence > this.#durable) {
      throw platformError(
        'conflict',
        `the log ends at ${this.#durable}, but the follower is at ${sequence}: its checkpoint belongs to another log`,
      );
    }
    let wake = (): void => {};
    const awaken = (): void => wake();
    this.#waiting.add(awaken);
    signal.addEventListener('abort', awaken, { once: true });
    try {
      let last = sequence;
      while (!signal.aborted) {
        if (last < this.#durable) {
          for (const entry of this.#some(last)) {
            yield entry;
            last = entry.sequence;
          }
        } else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
        }
      }
    } finally {
      this.#waiting.delete(awaken);
      signal.removeEventListener('abort', awaken);
    }
  }

  #some(after: number): readonly LogEntry[] {
    const first = this.#durable - this.#recent.length + 1;
    if (after + 1 >= first) return this.#recent.slice(after + 1 - first);
    return this.#journal.page(after).map(logEntry);
  }
}

/**
 * The engine passes orders through as they came, so its events have the fields of the contract's. Frozen: an entry goes
 * to several followers, and is then encoded once.
 */
function logEntry({ sequence, time, events }: JournalEntry): LogEntry {
  return Object.freeze({ sequence, time, events: events as unknown as LogEntry['events'] });
}
