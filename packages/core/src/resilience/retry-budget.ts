/**
 * Keeps retries from turning a service's trouble into its end: a retry is paid for by calls. After Finagle's RetryBudget
 * (deposits expire after ten seconds), with two differences. Finagle grants its reserve anew all the time, here it is filled
 * again by calls, so that over any traffic retries ≤ reserve + share × calls. And no more is saved up than the share of a
 * hundred calls: ten healthy seconds at full load must not pay for a storm of retries when the first errors come.
 */
import { RollingCounts } from './rolling-counts.ts';

const windowMs = 10_000;
const mostSavedCalls = 100;
/** So that ten calls at 0.1 make one retry, whatever the rounding. */
const rounding = 1e-9;

export class RetryBudget {
  /** Retries per call. */
  share: number;
  /** Retries without calls before them. */
  reserve: number;
  readonly #calls = new RollingCounts(1, windowMs);
  #balance: number;

  constructor(share: number, reserve: number) {
    this.share = share;
    this.reserve = reserve;
    this.#balance = reserve;
  }

  /** To be told of every call, once, and not of its retries. */
  deposit(now: number): void {
    this.#calls.add(now, 0);
    this.#balance += this.share;
  }

  /** Takes one retry from the budget; false when there is none. */
  withdraw(now: number): boolean {
    const savedCalls = Math.min(this.#calls.sum(now, 0), mostSavedCalls);
    this.#balance = Math.min(this.#balance, this.reserve + this.share * savedCalls);
    if (this.#balance < 1 - rounding) return false;
    this.#balance--;
    return true;
  }
}
