/** For tests of what a crash may do: a published log that outlives its publisher, and its readers. */
import type { LogEntry } from '../contract.ts';

export class PublishedLog {
  /** The one with sequence n is at n - 1. */
  readonly entries: LogEntry[] = [];
  #grown = Promise.withResolvers<void>();

  append(entries: Iterable<LogEntry>): void {
    this.entries.push(...entries);
    this.wake();
  }

  /** Resolves when there is more, or {@link wake} is called. */
  grown(): Promise<void> {
    return this.#grown.promise;
  }

  /** Makes its readers look whether they still want to read. */
  wake(): void {
    this.#grown.resolve();
    this.#grown = Promise.withResolvers();
  }
}
