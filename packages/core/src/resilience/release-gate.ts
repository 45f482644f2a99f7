/**
 * How fast calls are let go that have waited for an instance. All at once they would be the very load that a process just
 * started can bear least, and be refused. So a few go first, one more for each that ends well, and now and then another,
 * so that the number under way grows while the instance keeps up (as TCP's congestion avoidance probes for room).
 */

/** Let go at first. */
const first = 8;
/** So many ends let one call more go than have ended. */
const growEvery = 8;

export class ReleaseGate {
  #ends = 0;

  /** An instance takes calls: how many may go. */
  opened(): number {
    this.#ends = 0;
    return first;
  }

  /** A call has been taken and has ended: how many may go. */
  ended(): number {
    this.#ends++;
    return this.#ends % growEvery === 0 ? 2 : 1;
  }
}
