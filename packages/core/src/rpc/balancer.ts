/** Chooses among the open channels of a service: power of two choices on calls in flight (Mitzenmacher 1996). */
import type { Channel } from './channel.ts';

/** @param random a number in [0, 1); passed in so that tests can decide. */
export function chooseChannel(channels: readonly Channel[], random: () => number): Channel | undefined {
  const { length } = channels;
  if (length <= 1) return channels[0];
  const first = Math.floor(random() * length);
  const second = (first + 1 + Math.floor(random() * (length - 1))) % length;
  const a = channels[first]!;
  const b = channels[second]!;
  return b.inFlight < a.inFlight ? b : a;
}
