/** The times of supervision, in milliseconds, and the wait before a restart. */

export interface Policy {
  /** From spawn to ready; past it the process is killed and restarted. */
  readonly startTimeoutMs: number;
  /** Deaths of one process in a row after which the start of the fleet is given up. A running fleet never gives up. */
  readonly startAttempts: number;
  /** After a process said that it cannot start: how long the others get to say the same before the start fails. */
  readonly fatalGatherMs: number;
  readonly backoffBaseMs: number;
  /** Short enough that a service which dies again and again is back within five seconds of each death. */
  readonly backoffLimitMs: number;
  /** Ready for so long, a process is healthy again and its next death is its first. */
  readonly healthyAfterMs: number;
  /** By then every process has been told to stop, even if those before it hang. */
  readonly stopToldMs: number;
  /** From the beginning of a stop (of the fleet, or of one process) to SIGKILL. */
  readonly stopKillMs: number;
  /** In a rolling restart: how long a successor may load its code before its predecessor is told to stop. */
  readonly prepareMs: number;
  /** How long an instance must have been ready before the next one has its turn. */
  readonly settleMs: number;
  /** By then discovery must know an instance that is ready. */
  readonly heardWithinMs: number;
}

export const DEFAULT_POLICY: Policy = {
  startTimeoutMs: 30_000,
  startAttempts: 5,
  fatalGatherMs: 1_500,
  backoffBaseMs: 100,
  backoffLimitMs: 3_000,
  healthyAfterMs: 10_000,
  stopToldMs: 2_500,
  stopKillMs: 4_000,
  prepareMs: 5_000,
  settleMs: 500,
  heardWithinMs: 10_000,
};

/**
 * The wait before the restart that follows the given number of deaths in a row: from the base, doubling to the limit,
 * each between half and all of it, so that services that died together do not return together.
 *
 * @param random From 0 (inclusive) to 1.
 */
export function backoff(policy: Policy, deaths: number, random: number): number {
  const full = Math.min(policy.backoffLimitMs, policy.backoffBaseMs * 2 ** Math.min(deaths - 1, 30));
  return Math.round(full * (0.5 + random / 2));
}
