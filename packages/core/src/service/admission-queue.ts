/**
 * Calls that wait for their turn: one line per priority, the higher first. A call that would wait too long is turned
 * away when it comes and not when it has waited, so the queue is as long as the server is fast: what counts is not the
 * number ahead but how long they take, seen from how often one leaves.
 *
 * A queue that comes and goes is a burst, which it smooths. One that stands is an overload, in which a longer one would
 * only make everybody wait: it is kept short then (the insight of CoDel, RFC 8289).
 *
 * Pure: the clock is an argument, in milliseconds. Nothing allocates but the growing of a line.
 */
import type { Priority } from '../contract/document.ts';
import { Line } from './line.ts';

/** From the highest. The platform's own calls (`$contract`) never wait. */
export const priorities: readonly Priority[] = ['high', 'normal', 'background'];

/**
 * Why a call was turned away. `queue_full`: the bound. `too_long`: it would have waited too long, or past its deadline.
 * `displaced`: a call of higher priority needed its place. `waited`: it has waited as long as it may. `stopping`: the
 * service ends.
 */
export type Refusal = 'queue_full' | 'too_long' | 'displaced' | 'waited' | 'stopping';
export const refusals: readonly Refusal[] = ['queue_full', 'too_long', 'displaced', 'waited', 'stopping'];

export interface QueueOptions {
  /** Most calls that wait, of all priorities. Default 8192. */
  readonly bound?: number;
  /** Longest wait that may be expected when a call joins, in milliseconds. Default 1000. */
  readonly maxWaitMs?: number;
  /** The same in an overload. Default 25. */
  readonly overloadWaitMs?: number;
  /** A queue that stands for longer than this is no burst but an overload. Default 100. */
  readonly standingMs?: number;
  /** After this wait a call is turned away even so: what it was promised was wrong. Default 2 × `maxWaitMs`. */
  readonly giveUpMs?: number;
}

/**
 * Share of the longest wait that may be expected when a call joins. The lower priorities keep some in hand, for those of
 * higher priority that come later and go first.
 */
const shareOfWait: Readonly<Record<Priority, number>> = { high: 1, normal: 0.75, background: 0.5 };
/** Weight of the latest departure in what is known of all. */
const newest = 0.05;

export class AdmissionQueue<Call> {
  readonly #lines: readonly Line<Call>[] = priorities.map(() => new Line<Call>());
  readonly #bound: number;
  readonly #maxWaitMs: number;
  readonly #overloadWaitMs: number;
  readonly #standingMs: number;
  readonly #giveUpMs: number;
  #size = 0;
  /** Usual time from one departure to the next, while calls wait. */
  #intervalMs = 0;
  #lastDeparture = 0;
  /** When, for each priority, a call last had nobody ahead. */
  readonly #clearAt = priorities.map(() => 0);

  constructor(options: QueueOptions = {}) {
    const { bound = 8192, maxWaitMs = 1000, overloadWaitMs = 25, standingMs = 100 } = options;
    this.#bound = bound;
    this.#maxWaitMs = maxWaitMs;
    this.#overloadWaitMs = Math.min(overloadWaitMs, maxWaitMs);
    this.#standingMs = standingMs;
    this.#giveUpMs = options.giveUpMs ?? 2 * maxWaitMs;
  }

  get size(): number {
    return this.#size;
  }

  waiting(priority: Priority): number {
    return this.#line(priority).length;
  }

  /** How long a call of this priority would wait if it came now. */
  expectedWaitMs(priority: Priority, now: number): number {
    const ahead = this.#ahead(priority);
    if (ahead === 0) return 0;
    // When nobody has left for long, it will probably take as long until the next one does.
    return this.#intervalMs * (ahead - 1) + Math.max(this.#intervalMs, now - this.#lastDeparture);
  }

  /**
   * Whether a call may join. `displace` says that it may, once `displace` has made room for it.
   *
   * @param remainingMs until its deadline; Infinity without one
   * @param isLearning what keeps the queue standing is no overload: how many calls there may be at a time is being found
   *   out, and how fast they leave until then tells nothing
   */
  judge(
    priority: Priority,
    now: number,
    remainingMs: number,
    isLearning = false,
  ): 'join' | 'displace' | 'queue_full' | 'too_long' {
    const expectedMs = this.expectedWaitMs(priority, now);
    const standsFor = now - this.#clearAt[priorities.indexOf(priority)]!;
    const isOverload = expectedMs > 0 && standsFor > this.#standingMs;
    const mostMs = isOverload ? this.#overloadWaitMs : this.#maxWaitMs;
    const isTooLong = expectedMs > mostMs * shareOfWait[priority] || expectedMs >= remainingMs;
    if (isTooLong && !isLearning) return 'too_long';
    if (this.#size < this.#bound) return 'join';
    return this.#lowest() > priorities.indexOf(priority) ? 'displace' : 'queue_full';
  }

  join(call: Call, priority: Priority, now: number): void {
    if (this.#size === 0) this.#lastDeparture = now;
    for (let index = priorities.indexOf(priority); index < priorities.length; index++) {
      if (this.#ahead(priorities[index]!) === 0) this.#clearAt[index] = now;
    }
    this.#line(priority).push(call, now);
    this.#size++;
  }

  /** Takes out who came last of the lowest priority. */
  displace(): Call | undefined {
    const line = this.#lines[this.#lowest()];
    if (line === undefined) return undefined;
    this.#size--;
    return line.pop();
  }

  /** The priority of the next to go. */
  next(): Priority | undefined {
    return priorities[this.#lines.findIndex(({ length }) => length > 0)];
  }

  /** The next to go leaves, to be handled. */
  take(now: number): Call | undefined {
    for (const line of this.#lines) {
      if (line.length === 0) continue;
      this.#intervalMs += (now - this.#lastDeparture - this.#intervalMs) * newest;
      this.#lastDeparture = now;
      this.#size--;
      return line.shift();
    }
    return undefined;
  }

  /** Somebody who has waited as long as anybody may leaves, to be turned away. Call it until there is none. */
  overdue(now: number): Call | undefined {
    for (const line of this.#lines) {
      if (line.length === 0 || now - line.since < this.#giveUpMs) continue;
      this.#size--;
      return line.shift();
    }
    return undefined;
  }

  #line(priority: Priority): Line<Call> {
    return this.#lines[priorities.indexOf(priority)]!;
  }

  #ahead(priority: Priority): number {
    let sum = 0;
    for (let index = priorities.indexOf(priority); index >= 0; index--) sum += this.#lines[index]!.length;
    return sum;
  }

  #lowest(): number {
    for (let index = priorities.length - 1; index >= 0; index--)
      if (this.#lines[index]!.length > 0) return index;
    return -1;
  }
}
