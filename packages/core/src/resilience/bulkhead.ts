/**
 * Bounds what one target may hold of its caller: a number of calls at a time and a bounded queue for the rest, first in,
 * first out. A target that hangs then costs its own share and not every call of the process. (resilience4j's Bulkhead, with
 * its queue as in ThreadPoolBulkhead; the wait is bounded by each call's deadline.)
 */
import type { BulkheadPolicy } from './policy.ts';

export class Bulkhead<Waiter> {
  /** May be replaced at run time; after more concurrency was given, call `next` until it has none. */
  policy: BulkheadPolicy;
  #active = 0;
  /** The queue from `#head` on; what is before it has gone. */
  #queue: (Waiter | undefined)[] = [];
  #head = 0;

  constructor(policy: BulkheadPolicy) {
    this.policy = policy;
  }

  /** Calls under way. */
  get active(): number {
    return this.#active;
  }

  get waiting(): number {
    return this.#queue.length - this.#head;
  }

  /** Takes a place; false when all are taken, or when others wait for one. */
  tryEnter(): boolean {
    if (this.#active >= this.policy.concurrency || this.waiting > 0) return false;
    this.#active++;
    return true;
  }

  /** Waits for a place; false when the queue is full. Only after `tryEnter` was refused. */
  enqueue(waiter: Waiter): boolean {
    if (this.waiting >= this.policy.queue) return false;
    this.#queue.push(waiter);
    return true;
  }

  /** Gives up waiting; false when it was not in the queue (any more). */
  remove(waiter: Waiter): boolean {
    const at = this.#queue.indexOf(waiter, this.#head);
    if (at < 0) return false;
    this.#queue.splice(at, 1);
    return true;
  }

  /** Gives a place back. Returns the one that has it now and goes next, if somebody waited. */
  leave(): Waiter | undefined {
    this.#active--;
    return this.next();
  }

  /** Whoever may go now, with its place taken; undefined when nobody waits or no place is free. */
  next(): Waiter | undefined {
    if (this.waiting === 0 || this.#active >= this.policy.concurrency) return undefined;
    this.#active++;
    const waiter = this.#queue[this.#head];
    this.#queue[this.#head++] = undefined;
    if (this.#head === this.#queue.length || this.#head >= 1_024) {
      this.#queue.splice(0, this.#head);
      this.#head = 0;
    }
    return waiter;
  }
}
