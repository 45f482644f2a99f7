/** For tests: calls through a circuit breaker on a virtual clock, with latencies and failures as told. */
import { type Admission, type BreakerState, CircuitBreaker, refused } from './circuit-breaker.ts';
import { defaultPolicy } from './policy.ts';

export interface Simulation {
  readonly seed: number;
  readonly callsPerSecond: number;
  readonly untilMs: number;
  readonly outcome: (
    startedAt: number,
    random: () => number,
  ) => { readonly latencyMs: number; readonly failed: boolean };
}

export interface BreakerChange {
  readonly to: BreakerState;
  readonly at: number;
}

interface SimulatedCall {
  readonly admission: Admission;
  readonly startedAt: number;
  readonly latencyMs: number;
  readonly failed: boolean;
  slow: boolean;
}

/** A small seeded generator (mulberry32), so that a failing case can be run again. */
export function seededRandom(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function simulate({ seed, callsPerSecond, untilMs, outcome }: Simulation): {
  changes: BreakerChange[];
} {
  const changes: BreakerChange[] = [];
  const random = seededRandom(seed);
  const breaker = new CircuitBreaker(defaultPolicy.breaker, (_from, to, at) => changes.push({ to, at }));
  let inFlight: SimulatedCall[] = [];
  let started = 0;
  for (let now = 0; now < untilMs; now++) {
    inFlight = inFlight.filter((call) => goesOn(breaker, call, now));
    for (; started < (now / 1_000) * callsPerSecond; started++) {
      const admission = breaker.admit(now);
      if (admission === refused) continue;
      inFlight.push({ admission, startedAt: now, slow: false, ...outcome(now, random) });
    }
  }
  return { changes };
}

function goesOn(breaker: CircuitBreaker, call: SimulatedCall, now: number): boolean {
  const elapsedMs = now - call.startedAt;
  if (elapsedMs >= call.latencyMs) {
    if (call.slow) breaker.released(call.admission);
    else if (call.failed) breaker.failed(call.admission, now);
    else breaker.succeeded(call.admission, elapsedMs, now);
    return false;
  }
  if (!call.slow && elapsedMs >= breaker.slowAfterMs) {
    call.slow = true;
    breaker.slow(call.admission, now);
  }
  return true;
}
