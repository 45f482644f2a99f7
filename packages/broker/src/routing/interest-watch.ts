/**
 * Tells who asked for it when the first subscription to a subject comes and when the last one goes. A subject that
 * nobody watches costs one look into an empty map.
 */
import type { Subscription } from './subscription.ts';

interface Watched {
  members: number;
  readonly listeners: Set<(interested: boolean) => void>;
}

export class InterestWatch {
  readonly #watched = new Map<string, Watched>();

  /**
   * Calls `listener` at once with what is now, and at every change until what is returned is called.
   *
   * @param members how many subscriptions there are at this moment.
   */
  add(subject: string, queue: string, members: number, listener: (interested: boolean) => void): () => void {
    const key = keyOf(subject, queue);
    let watched = this.#watched.get(key);
    if (watched === undefined) {
      watched = { members, listeners: new Set() };
      this.#watched.set(key, watched);
    }
    const { listeners } = watched;
    listeners.add(listener);
    listener(watched.members > 0);
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0 && this.#watched.get(key)?.listeners === listeners) this.#watched.delete(key);
    };
  }

  subscribed({ subject, queue }: Subscription): void {
    if (this.#watched.size === 0) return;
    const watched = this.#watched.get(keyOf(subject, queue));
    if (watched !== undefined && watched.members++ === 0) tell(watched, true);
  }

  unsubscribed({ subject, queue }: Subscription): void {
    if (this.#watched.size === 0) return;
    const watched = this.#watched.get(keyOf(subject, queue));
    if (watched !== undefined && --watched.members === 0) tell(watched, false);
  }
}

/** A space is in no subject. */
function keyOf(subject: string, queue: string): string {
  return `${subject} ${queue}`;
}

function tell(watched: Watched, interested: boolean): void {
  for (const listener of watched.listeners) listener(interested);
}
