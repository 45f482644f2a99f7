/** Random identifiers from a pool: one call of the operating system's generator per 4 KiB, not per request (20 µs each). */
import { randomFillSync } from 'node:crypto';

const poolBytes = 4_096;

/** @returns a function that gives that many random bytes as lower-case hex. */
export function randomHexSource(fill: (pool: Buffer) => void = randomFillSync): (bytes: number) => string {
  const pool = Buffer.alloc(poolBytes);
  let used = poolBytes;
  return (bytes) => {
    if (used + bytes > poolBytes) {
      fill(pool);
      used = 0;
    }
    used += bytes;
    return pool.toString('hex', used - bytes, used);
  };
}
