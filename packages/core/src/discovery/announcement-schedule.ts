/**
 * When a member announces itself: a pure state machine.
 *
 * Once a second, and once more soon after the broker came back, each member at a moment of its own: the return of the
 * broker brings a fleet of any size not more than about twice the messages of any other second. Beats keep their phase
 * when that happens; else all members would beat together from then on.
 */

export const heartbeatMs = 1_000;
/** Members that lost the broker announce themselves within this time of their return to it. */
export const rejoinJitterMs = 250;

export class AnnouncementSchedule {
  #beatAt: number;
  #rejoinAt = Number.POSITIVE_INFINITY;

  /** @param random in [0, 1): the phase of the beat. */
  constructor(now: number, random: number) {
    this.#beatAt = now + random * heartbeatMs;
  }

  get dueAt(): number {
    return Math.min(this.#beatAt, this.#rejoinAt);
  }

  /** What was due has been done. Beats that were missed, because this process stood still, are not made up for. */
  announced(now: number): void {
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
