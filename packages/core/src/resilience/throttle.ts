/**
 * Refuses calls to an overloaded service in the caller, since even a refusal costs the service something: the client-side
 * throttling of the Google SRE book, chapter "Handling Overload". Of the calls in the window, `ratio` × those accepted may
 * go; the rest is refused with a chance that grows with their number.
 *
 * The book counts a call when it is made; here it counts when its answer comes, so that a slow service is not taken for an
 * overloaded one. And a tenth of the calls goes at any rate, so that the end of the overload is noticed at once.
 */
import type { ThrottlePolicy } from './policy.ts';
import { RollingCounts } from './rolling-counts.ts';

const REQUESTS = 0;
const ACCEPTS = 1;
const highestChance = 0.9;

export class Throttle {
  #policy: ThrottlePolicy;
  #counts: RollingCounts;

  constructor(policy: ThrottlePolicy) {
    this.#policy = policy;
    this.#counts = new RollingCounts(2, policy.windowMs);
  }

  get policy(): ThrottlePolicy {
    return this.#policy;
  }

  /** Takes effect at once. A window of another length begins empty. */
  set policy(policy: ThrottlePolicy) {
    if (policy.windowMs !== this.#policy.windowMs) this.#counts = new RollingCounts(2, policy.windowMs);
    this.#policy = policy;
  }

  /**
   * Whether a call may go.
   *
   * @param random in [0, 1)
   */
  admit(now: number, random: number): boolean {
    if (random >= this.refusalChance(now)) return true;
    this.#counts.add(now, REQUESTS);
    return false;
  }

  /** The share of calls that is refused here, 0 to 0.9. */
  refusalChance(now: number): number {
    if (!this.#policy.enabled) return 0;
    const requests = this.#counts.sum(now, REQUESTS);
    const excess = requests - this.#policy.ratio * this.#counts.sum(now, ACCEPTS);
    return excess <= 0 ? 0 : Math.min(highestChance, excess / (requests + 1));
  }

  /** The service took the call, whatever became of it. */
  accepted(now: number): void {
    this.#counts.add(now, REQUESTS);
    this.#counts.add(now, ACCEPTS);
  }

  /** The service answered `overloaded`. */
  refused(now: number): void {
    this.#counts.add(now, REQUESTS);
  }
}
