/**
 * Quantiles of an operation's recent latencies, for hedging ("The Tail at Scale", Dean and Barroso 2013: the second try is
 * sent when the first takes longer than the 95th percentile). A histogram of eight buckets per power of two (so a quantile
 * is at most 12.5 % too high) whose counts are halved every 2048 records.
 */

const bucketsPerDoubling = 8;
/** 2⁻¹⁰ ms, about 1 µs. */
const lowestExponent = -10;
const doublings = 34;
const halveAfter = 2_048;
/** Records after which a quantile is worked out again. */
const staleAfter = 64;
/** Records below which there is none. */
const least = 20;

const float = new Float64Array(1);
const words = new Uint32Array(float.buffer);
const high = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1 ? 1 : 0;

/** The exponent and the first three bits of the fraction number the bucket (IEEE 754), without a logarithm. */
function bucketOf(ms: number): number {
  float[0] = ms;
  const bits = words[high]! >>> 17;
  const bucket = bits - ((1_023 + lowestExponent) << 3);
  if (bucket < 0 || ms <= 0) return 0;
  return Math.min(bucket, doublings * bucketsPerDoubling - 1);
}

function upperBound(bucket: number): number {
  const exponent = Math.floor(bucket / bucketsPerDoubling) + lowestExponent;
  return 2 ** exponent * (1 + ((bucket % bucketsPerDoubling) + 1) / bucketsPerDoubling);
}

export class LatencyQuantile {
  readonly #buckets = new Uint32Array(doublings * bucketsPerDoubling);
  #total = 0;
  #untilHalved = halveAfter;
  #cached: number | undefined;
  #cachedOf = -1;
  #cachedFor = 0;

  record(ms: number): void {
    this.#buckets[bucketOf(ms)]!++;
    this.#total++;
    this.#cachedFor--;
    if (--this.#untilHalved === 0) this.#halve();
  }

  /** The latency that the share `q` of calls does not exceed; undefined before 20 records. Up to 64 records late. */
  quantile(q: number): number | undefined {
    if (this.#cachedFor > 0 && this.#cachedOf === q) return this.#cached;
    if (this.#total < least) return undefined;
    this.#cachedOf = q;
    this.#cachedFor = Math.min(staleAfter, this.#total);
    this.#cached = this.#find(Math.max(1, Math.ceil(q * this.#total)));
    return this.#cached;
  }

  #find(rank: number): number {
    let seen = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      seen += this.#buckets[bucket]!;
      if (seen >= rank) return upperBound(bucket);
    }
    return upperBound(this.#buckets.length - 1);
  }

  #halve(): void {
    let total = 0;
    for (let bucket = 0; bucket < this.#buckets.length; bucket++) {
      this.#buckets[bucket]! >>>= 1;
      total += this.#buckets[bucket]!;
    }
    this.#total = total;
    this.#untilHalved = halveAfter;
  }
}
