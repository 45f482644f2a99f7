/**
 * The wall clock in µs. Counts with the monotonic clock, which is finer and does not jump, and follows the wall clock
 * when that has been set.
 */

/** Deviation that is not just the coarseness of `Date.now`, in µs. */
const TOLERANCE = 5_000;

export function wallClock(): () => number {
  let offset = Date.now() * 1_000 - performance.now() * 1_000;
  return () => {
    const wall = Date.now() * 1_000;
    const us = Math.floor(performance.now() * 1_000 + offset);
    if (Math.abs(us - wall) < TOLERANCE) return us;
    offset += wall - us;
    return wall;
  };
}
