/**
 * The engine's log for the trading floor, which joins it in the middle: it asks what there is at some entry, and wants every
 * entry after that one. What comes while it asks is kept for it.
 */
import type { LogEntry } from '@exchange/matching';

export class LogHandover {
  /** Undefined while nobody is going to want them. */
  #kept: LogEntry[] | undefined;
  #reader: ((entry: LogEntry) => void) | undefined;

  /** Begins to keep what comes: somebody is going to join. What was kept for an earlier attempt is forgotten. */
  keep(): void {
    this.#kept = [];
  }

  /** From here on, and for what was kept, `reader` gets every entry. It knows itself which of them it has seen. */
  handTo(reader: (entry: LogEntry) => void): void {
    for (const entry of this.#kept ?? []) reader(entry);
    this.#kept = undefined;
    this.#reader = reader;
  }

  /** The next entry. */
  take(entry: LogEntry): void {
    this.#reader?.(entry);
    this.#kept?.push(entry);
  }
}
