/**
 * When a member announces itself, and to whom: a pure state machine.
 *
 * Once a second to those who call its service, which is how they know that it lives; now and then, instead, to everybody,
 * so that nobody remembers what is long gone or misses who has come. If everybody heard everybody every second, a fleet
 * would spend most of its idle time on that.
 *
 * Once more to everybody soon after the broker came back, each member at a moment of its own: the return of the
 * broker brings a fleet of any size one more announcement of each member, spread. Beats keep their phase when that happens;
 * else all members would beat together from then on.
 */

export const heartbeatMs = 1_000;
/** Members that lost the broker announce themselves within this time of their return to it. */
export const rejoinJitterMs = 250;
/** Every so many beats everybody is told. */
const generalEvery = 30;
/** How often those hear of a member who do not call it, in milliseconds. */
export const generalMs = generalEvery * heartbeatMs;

export class AnnouncementSchedule {
  #beatAt: number;
  #rejoinAt = Number.POSITIVE_INFINITY;
  #beatsUntilGeneral = generalEvery - 1;

  /** @param random in [0, 1): the phase of the beat. */
  constructor(now: number, random: number) {
    this.#beatAt = now + random * heartbeatMs;
  }

  get dueAt(): number {
    return Math.min(this.#beatAt, this.#rejoinAt);
  }

  /** Whether what is due next is for everybody. */
  get isGeneral(): boolean {
    return this.#beatsUntilGeneral === 0 || this.#rejoinAt !== Number.POSITIVE_INFINITY;
  }

  /** What was due has been done. Beats that were missed, because this process stood still, are not made up for. */
  announced(now: number): void {
    this.#beatsUntilGeneral = this.isGeneral ? generalEvery - 1 : this.#beatsUntilGeneral - 1;
    this.#rejoinAt = Number.POSITIVE_INFINITY;
    const missed = Math.floor((now - this.#beatAt) / heartbeatMs) + 1;
    if (missed > 0) this.#beatAt += missed * heartbeatMs;
  }

  /**
   * The broker is back.
   *
   * @param random in [0, 1).
   */
  rejoined(now: number, random: number): void {
    this.#rejoinAt = now + random * rejoinJitterMs;
  }
}
