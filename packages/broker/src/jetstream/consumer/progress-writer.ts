/**
 * Writes down how far consumers have come. What can wait goes along with a commit that happens anyway, at most every
 * 50 ms: what is delivered and acknowledged in between leaves no trace, and progress that is lost with the power means
 * that messages come again, never that they are lost. An acknowledgement that asks for an answer is written at once.
 */
import type { Commits } from '../store/commits.ts';

export interface Progressing {
  writeProgress(): void;
}

/** Shortest time between two writings, in ms. */
const INTERVAL_MS = 50;

export class ProgressWriter {
  readonly #commits: Commits;
  readonly #now: () => number;
  readonly #write = (): void => {
    this.#asked = false;
    this.flush();
  };
  #changed = new Set<Progressing>();
  #asked = false;
  #writtenAt = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(commits: Commits, now: () => number) {
    this.#commits = commits;
    this.#now = now;
  }

  changed(one: Progressing): void {
    this.#changed.add(one);
    if (this.#asked) return;
    this.#asked = true;
    const wait = this.#writtenAt + INTERVAL_MS - this.#now();
    if (wait <= 0) this.#commits.beforeCommit(this.#write);
    else this.#timer = setTimeout(() => this.#commits.beforeCommit(this.#write), wait);
  }

  /** Writes what is outstanding of one consumer; it is committed with the current batch. */
  flushOne(one: Progressing): void {
    if (this.#changed.delete(one)) one.writeProgress();
  }

  forget(one: Progressing): void {
    this.#changed.delete(one);
  }

  /** Writes what is outstanding of all consumers. */
  flush(): void {
    this.#writtenAt = this.#now();
    const changed = this.#changed;
    this.#changed = new Set();
    for (const one of changed) one.writeProgress();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.flush();
    this.#asked = true;
  }
}
