/**
 * The planned restarts under way in the fleet: services whose last instance has drained and is expected back. Whoever needs
 * such a service waits for it, and is slow for that reason: a breaker that took this for sickness would turn the wait, which
 * costs time only, into failures.
 */
import type { Instance } from '../discovery/instance.ts';

/** What waited goes on for a moment after the service is back. */
const aftermathMs = 500;

export class PlannedRestarts {
  /** Until when each service has its restart. */
  readonly #until = new Map<string, number>();

  /**
   * An instance has changed.
   *
   * @param ready instances of its service that take calls now
   * @param waitMs how long calls wait for a successor
   */
  changed({ service, state }: Instance, ready: number, waitMs: number, now: number): void {
    if (state === 'draining' && ready === 0) this.#until.set(service, now + waitMs);
    else if (ready > 0 && this.#until.has(service)) this.#until.set(service, now + aftermathMs);
  }

  underWay(now: number): boolean {
    if (this.#until.size === 0) return false;
    for (const [service, until] of this.#until) if (until <= now) this.#until.delete(service);
    return this.#until.size > 0;
  }
}
