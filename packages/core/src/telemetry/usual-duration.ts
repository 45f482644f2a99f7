/**
 * What is slow for a name: longer than 99 % of its last ones or two thousand, and longer than 10 ms, because what is
 * faster annoys nobody. Until twenty are known, a second is slow.
 *
 * Durations are counted in buckets that grow by a fifth, so the 99 % are off by that much at most.
 */

/** What is faster is never slow. */
export const NEVER_SLOW_MS = 10;
const UNTIL_KNOWN_MS = 1000;
const KNOWN = 20;
/** Buckets to the octave, and octaves above 10 ms: up to 40 s. */
const STEPS = 4;
const OCTAVES = 12;
const BUCKETS = STEPS * OCTAVES + 2;
/** At so many all counts are halved, so that old ones fade. */
const HALVE_AT = 2000;
/** How often the limit is worked out anew, once many are known. */
const REFRESH = 32;
const SLOW_SHARE = 0.01;

export class UsualDuration {
  readonly #counts = new Uint16Array(BUCKETS);
  #total = 0;
  #sinceRefresh = 0;
  #limitMs = UNTIL_KNOWN_MS;

  /** From which duration on one is slow. */
  get limitMs(): number {
    return this.#limitMs;
  }

  /** Counts a duration, and says whether it was slow compared with those before. */
  observe(durationMs: number): boolean {
    const slow = durationMs > this.#limitMs;
    this.#counts[bucketOf(durationMs)]!++;
    this.#total++;
    if (this.#total >= HALVE_AT) this.#halve();
    if (++this.#sinceRefresh >= REFRESH || this.#total <= REFRESH) this.#refresh();
    return slow;
  }

  #refresh(): void {
    this.#sinceRefresh = 0;
    if (this.#total < KNOWN) return;
    let above = 0;
    let bucket = BUCKETS - 1;
    while (bucket > 0 && above + this.#counts[bucket]! <= this.#total * SLOW_SHARE)
      above += this.#counts[bucket--]!;
    this.#limitMs = NEVER_SLOW_MS * 2 ** (bucket / STEPS);
  }

  #halve(): void {
    let total = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) total += this.#counts[bucket]! >>>= 1;
    this.#total = total;
  }
}

/** Bucket 0 ends at 10 ms, bucket n at 10 ms × 2^(n/4). */
function bucketOf(durationMs: number): number {
  if (!(durationMs > NEVER_SLOW_MS)) return 0;
  const bucket = Math.ceil(STEPS * Math.log2(durationMs / NEVER_SLOW_MS));
  return bucket < BUCKETS ? bucket : BUCKETS - 1;
}
