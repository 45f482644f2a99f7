/**
 * Remembers verified tokens, the least recently used of them forgotten first. It is keyed by a digest, so that a dump
 * of this process's memory holds no more tokens than are in flight.
 */
import { hash } from 'node:crypto';
import type { EndUser } from 'flotilla';

export interface VerifiedToken {
  readonly user: EndUser;
  /** Id of the key that it was verified with. */
  readonly kid: string | undefined;
  /** Unix time in milliseconds. */
  readonly expiresAt: number;
}

export class TokenCache {
  /** In the order of use: a Map iterates in the order of insertion, and `get` inserts anew. */
  readonly #entries = new Map<string, VerifiedToken>();
  readonly #capacity: number;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** What is known of `token`, unless it has expired at `now`. */
  get(token: string, now: number): VerifiedToken | undefined {
    const key = digest(token);
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    this.#entries.delete(key);
    if (entry.expiresAt <= now) return undefined;
    this.#entries.set(key, entry);
    return entry;
  }

  set(token: string, entry: VerifiedToken): void {
    if (this.#capacity <= 0) return;
    const key = digest(token);
    this.#entries.delete(key);
    if (this.#entries.size >= this.#capacity) {
      const [oldest] = this.#entries.keys();
      this.#entries.delete(oldest!);
    }
    this.#entries.set(key, entry);
  }
}

function digest(token: string): string {
  return hash('sha256', token, 'base64');
}
