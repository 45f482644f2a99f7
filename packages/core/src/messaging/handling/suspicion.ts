/**
 * Tells the message that kills its process from those that only were there: a pure decision.
 *
 * The broker counts deliveries, but not how they ended. One that ended with a failure is noted, so what comes again without such a note was
 * in the hand of a process that died, or stood still for too long. Among all that was in its hand one may be guilty. They are handled one
 * at a time, each noted before: if the process dies again, it is clear whose fault it was.
 */

import { platformError } from '../../errors/flotilla-error.ts';

/** What is noted of a message. */
export interface AttemptNote {
  /** The last delivery that ended with a failure; 0: none. */
  readonly failed: number;
  /** How often its process ended while it was handled by itself. */
  readonly crashes: number;
}

export type Verdict =
  /** Handle it like any other. */
  | 'innocent'
  /** Handle it by itself, and note that before. */
  | 'suspect'
  /** It has killed enough. */
  | 'guilty';

/** So many crashes convict. */
export const mostCrashes = 3;

/**
 * @param deliveries the number of this delivery, from 1.
 * @param note undefined: there is none.
 */
export function judge(deliveries: number, note: AttemptNote | undefined): Verdict {
  if (deliveries === 1 || note?.failed === deliveries - 1) return 'innocent';
  return isGuilty(note?.crashes ?? 0) ? 'guilty' : 'suspect';
}

/** @param crashes while the message was handled by itself. */
export function isGuilty(crashes: number): boolean {
  return crashes >= mostCrashes;
}

/** What a dead letter says of a message that killed its process. */
export function killer(type: string): Error {
  return platformError(
    'internal',
    `${type}: the process died ${mostCrashes} times while it handled this message and nothing else that was suspected`,
  );
}
