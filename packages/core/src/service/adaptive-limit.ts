/**
 * How many calls a server handles at a time, found from their latency: Gradient2 of Netflix's concurrency-limits. In
 * every window the limit is multiplied by how the latency of now compares with what is usual, and a little is added, so
 * that it settles where more calls at a time only mean longer ones. It changes only while the load uses it.
 *
 * Three things differ from Gradient2. What is usual is known per operation, so a change of the mix of operations is not
 * taken for a change of speed. And under load it is not learned from averages, which under a long overload drift up to
 * whatever the overload makes of the latency, but measured from time to time while the limit is halved for a moment, as
 * Envoy's adaptive concurrency filter does: latency that falls with the limit was of our own making, latency that stays
 * is how long the work takes now.
 *
 * Third, chance is not taken for load. Latencies vary, so that ten calls may well take twice as long as ten others; and of
 * calls that have just begun the quick ones end first. Without regard to that, a server that only waits for others finds
 * itself slow again and again, until it takes next to no calls at all.
 *
 * Pure: the clock is an argument, in milliseconds.
 */

export interface LimitOptions {
  /** Least calls at a time. Default 8. */
  readonly min?: number;
  /** Where it begins. Default 32. */
  readonly start?: number;
  /** Most calls at a time. Default 4096. */
  readonly max?: number;
}

/** What differs by less than so many standard errors is chance. */
const certainty = 1;
/** Windows after which what is usual for an operation is known. */
const wellKnown = 3;
/** Latency may grow to this multiple of the usual before the limit shrinks. */
const tolerance = 1.35;
/** Latency is so far from that limit of tolerance that the limit may grow faster. */
const headroom = 1.2;
/** Weight of a window's result in the limit. */
const smoothing = 0.3;
/** A window lasts at least this long and holds at least so many calls. */
const windowMs = 50;
const windowCalls = 10;
const longestWindowMs = 1_000;
/** How fast the usual latency follows what is seen without load. */
const following = 0.05;
/** Under load it follows only a window this much quicker than usual, and then at once. */
const quicker = 0.75;
/** Time under full load before the usual latency is measured; doubles while that brings nothing new. */
const firstProbeMs = 500;
const mostProbeMs = 30_000;
/** A measurement takes so many calls, or, where they are slow, fewer of them in this time. */
const probeCalls = 30;
const fewestProbeCalls = 8;
const probeMs = 200;
/** It may take up to one part in so many of the time. */
const probeShare = 25;
/** One that takes longer than this and four times the latency is given up: long calls hold the limit. */
const longestProbeMs = 1_000;
/** Measured latency over the usual one, beyond which the usual one was wrong. */
const inflated = 0.7;
const slowed = 1.4;

/** What one operation usually takes. */
export class OperationLatency {
  /** Calls of it being handled. */
  inFlight = 0;
  /** Milliseconds; 0 while unknown. */
  usualMs = 0;
  /** Windows from which it is known, until they are enough. */
  #known = 0;
  /** Calls that have ended in this window, and what they took. */
  calls = 0;
  sumMs = 0;
  #squares = 0;
  /** For how long calls have been handled in this window, those included that have not ended. */
  #heldMs = 0;
  #heldUntil = 0;

  /** A call is handled from now on. */
  began(now: number): void {
    this.#hold(now);
    this.inFlight++;
  }

  ended(now: number): void {
    this.#hold(now);
    this.inFlight--;
  }

  record(latencyMs: number): void {
    this.calls++;
    this.sumMs += latencyMs;
    this.#squares += latencyMs * latencyMs;
  }

  /** Of the sum: how much calls differ among each other. */
  get variance(): number {
    return this.calls < 2 ? 0 : Math.max(0, this.#squares - this.sumMs ** 2 / this.calls);
  }

  /**
   * What the calls of this window have taken in all, by Little's law: the quick ones are not counted more than the slow
   * ones, which have not ended yet.
   */
  heldMs(now: number): number {
    this.#hold(now);
    return this.#heldMs;
  }

  /** @param isSlow it took longer than may be: that must not become usual. */
  learn(averageMs: number, isUsed: boolean, isSlow: boolean): void {
    if (this.#known === 0 || (this.#known < wellKnown && !isSlow)) {
      this.usualMs += (averageMs - this.usualMs) / ++this.#known;
    } else if (!isUsed) {
      this.usualMs += (averageMs - this.usualMs) * following;
    } else {
      const leastMs = averageMs + (certainty * Math.sqrt(this.variance)) / this.calls;
      if (leastMs < this.usualMs * quicker) this.usualMs = leastMs;
    }
  }

  /** Begins a window. Where no call has ended, the last one goes on. */
  clear(): void {
    if (this.calls === 0) return;
    this.calls = 0;
    this.sumMs = 0;
    this.#squares = 0;
    this.#heldMs = 0;
  }

  #hold(now: number): void {
    this.#heldMs += this.inFlight * (now - this.#heldUntil);
    this.#heldUntil = now;
  }
}

export class AdaptiveLimit {
  /** Calls at a time, a whole number. */
  limit: number;
  readonly #min: number;
  readonly #max: number;
  readonly #start: number;
  readonly #operations: OperationLatency[] = [];
  /** The limit before rounding, and without a measurement's halving. */
  #exact: number;
  /** Its highest value since the last measurement. */
  #highest: number;
  #windowFrom = Number.NEGATIVE_INFINITY;
  #calls = 0;
  #peak = 0;
  #fullSince = Number.NaN;
  #probe: 'none' | 'emptying' | 'measuring' = 'none';
  #probeFrom = 0;
  #measureFrom = 0;
  #probeAfterMs = firstProbeMs;
  #averageMs = 0;
  /** No latency has ever grown with the limit. */
  #isGrowing: boolean;

  constructor({ min = 8, start = 32, max = 4096 }: LimitOptions = {}) {
    this.#min = min;
    this.#max = max;
    this.#start = start;
    this.#exact = start;
    this.#highest = start;
    this.limit = start;
    this.#isGrowing = start < max;
  }

  /**
   * Where the limit ends up is not known yet: from its start it doubles for as long as it is full and latency does not care,
   * like the window of a TCP connection in slow start. Who is kept waiting by it is not kept by an overload.
   */
  get isGrowing(): boolean {
    return this.#isGrowing;
  }

  /** Registers an operation; its calls are recorded with what this returns. */
  operation(): OperationLatency {
    const operation = new OperationLatency();
    this.#operations.push(operation);
    return operation;
  }

  /**
   * A call has ended whose latency tells something of the load: one that was cancelled or refused its input does not.
   *
   * @param inFlight calls at a time when it ended, itself among them
   */
  record(operation: OperationLatency, latencyMs: number, inFlight: number, now: number): void {
    if (this.#probe !== 'none') {
      this.#recordProbe(operation, latencyMs, inFlight, now);
      return;
    }
    if (this.#windowFrom === Number.NEGATIVE_INFINITY) this.#windowFrom = now - latencyMs;
    if (inFlight > this.#peak) this.#peak = inFlight;
    operation.record(latencyMs);
    this.#calls++;
    if (this.#calls < windowCalls || now - this.#windowFrom < windowMs) return;
    // As many as are handled at a time, so that slow ones have had the chance to end as well.
    if (this.#calls >= this.#peak || now - this.#windowFrom >= longestWindowMs) this.#closeWindow(now);
  }

  /** To be called now and then while calls wait or are refused, because the limit may be what keeps them from ending. */
  tick(now: number): void {
    if (this.#probe === 'none' || now - this.#probeFrom < longestProbeMs + 4 * this.#averageMs) return;
    this.#probeAfterMs = Math.min(mostProbeMs, this.#probeAfterMs * 2);
    this.#leaveProbe(now);
  }

  #closeWindow(now: number): void {
    const isUsed = this.#peak * 2 >= this.limit;
    const isFull = this.#peak >= this.limit;
    const gradient = this.#compare(isUsed, now);
    if (this.#isGrowing) this.#grow(gradient, isUsed, isFull);
    else if (isUsed) this.#adjust(gradient);
    if (!isFull || this.#isGrowing) this.#fullSince = Number.NaN;
    else if (Number.isNaN(this.#fullSince)) this.#fullSince = now;
    else if (now - this.#fullSince >= this.#probeAfterMs) this.#beginProbe(now);
    this.#nextWindow(now);
  }

  /** The usual latency of this window's calls over their real one, and what it teaches. */
  #compare(isUsed: boolean, now: number): number {
    const ratio = 1 / this.#change(now);
    for (const operation of this.#operations) {
      const { calls } = operation;
      if (calls > 0) operation.learn(this.#takenMs(operation, now) / calls, isUsed, tolerance * ratio < 1);
    }
    return ratio;
  }

  /** While the limit grows, most calls have just begun: those that have ended are the quick ones. */
  #takenMs(operation: OperationLatency, now: number): number {
    return this.#isGrowing ? operation.heldMs(now) : operation.sumMs;
  }

  /** How long this window's calls took compared with what is usual, as far as that is not chance. */
  #change(now: number): number {
    let usualMs = 0;
    let realMs = 0;
    let variance = 0;
    for (const operation of this.#operations) {
      const { calls } = operation;
      if (calls === 0) continue;
      const takenMs = this.#takenMs(operation, now);
      usualMs += operation.usualMs === 0 ? takenMs : operation.usualMs * calls;
      realMs += takenMs;
      variance += operation.variance;
    }
    this.#averageMs = realMs / this.#calls;
    if (!(usualMs > 0)) return 1;
    // How much those differ that have not ended yet is not known: about as much as they are long, say.
    const chanceMs = certainty * (this.#isGrowing ? realMs / Math.sqrt(this.#calls) : Math.sqrt(variance));
    return Math.max(realMs - chanceMs, Math.min(realMs + chanceMs, usualMs)) / usualMs;
  }

  #grow(ratio: number, isUsed: boolean, isFull: boolean): void {
    if (isUsed && tolerance * ratio < 1) {
      this.#isGrowing = false;
      // The last doubling was one too many.
      this.#set(this.#exact / 2 < this.#start ? this.#start : this.#exact / 2);
    } else if (isFull) {
      this.#set(this.#exact * 2);
      this.#isGrowing = this.#exact < this.#max;
    }
  }

  #set(limit: number): void {
    this.#exact = Math.max(this.#min, Math.min(this.#max, limit));
    this.#highest = Math.max(this.#highest, this.#exact);
    this.limit = Math.floor(this.#exact);
  }

  #adjust(ratio: number): void {
    const gradient = Math.max(0.5, Math.min(1, tolerance * ratio));
    // Room for a queue, without which it could not grow: small beside the limit, so that latency stays low, but more
    // while latency says that the end is far.
    const room = Math.sqrt(this.#exact) / (tolerance * ratio > headroom ? 0.5 : 3);
    const target = this.#exact * gradient + room;
    this.#set(this.#exact + (target - this.#exact) * smoothing);
  }

  #nextWindow(now: number): void {
    for (const operation of this.#operations) operation.clear();
    this.#calls = 0;
    this.#peak = 0;
    this.#windowFrom = now;
  }

  #beginProbe(now: number): void {
    this.#probe = 'emptying';
    this.#probeFrom = now;
    this.limit = Math.max(1, Math.floor(this.#exact / 2));
  }

  #recordProbe(operation: OperationLatency, latencyMs: number, inFlight: number, now: number): void {
    if (this.#probe === 'emptying') {
      if (inFlight > this.limit) return;
      this.#probe = 'measuring';
      // What began before felt the full load, and of what begins now the quick ones end first.
      this.#measureFrom = now + this.#averageMs;
      return;
    }
    if (now < this.#measureFrom) return;
    operation.record(latencyMs);
    this.#calls++;
    const leastMs = this.#calls >= probeCalls ? 0 : probeMs;
    if (this.#calls < fewestProbeCalls || now - this.#measureFrom < Math.max(leastMs, this.#averageMs))
      return;
    this.#endProbe(now);
  }

  #endProbe(now: number): void {
    const change = this.#learn(now);
    if (change < inflated) {
      // What was usual came of too many calls at a time. Stay at half, and see whether that still holds.
      this.#exact = Math.max(this.#min, this.limit);
      this.#probeAfterMs = windowMs;
    } else {
      // Half as many calls are slower than was usual: it is the work, and the limit was lowered for nothing.
      if (change > slowed) this.#exact = this.#highest;
      const next = change > slowed ? firstProbeMs : Math.min(mostProbeMs, this.#probeAfterMs * 2);
      this.#probeAfterMs = Math.max(next, firstProbeMs, (now - this.#probeFrom) * probeShare);
    }
    this.#highest = this.#exact;
    this.#leaveProbe(now);
  }

  /** Takes the measured latency for the usual one. Returns how they compare. */
  #learn(now: number): number {
    const change = this.#change(now);
    const weight = change < inflated || change > slowed ? 1 : 0.5;
    for (const operation of this.#operations) {
      const { calls, sumMs } = operation;
      if (calls > 0) operation.usualMs += (sumMs / calls - operation.usualMs) * weight;
    }
    return change;
  }

  #leaveProbe(now: number): void {
    this.#probe = 'none';
    this.limit = Math.floor(this.#exact);
    this.#fullSince = now;
    this.#nextWindow(now);
  }
}
