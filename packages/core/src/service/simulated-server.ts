/**
 * A server under a virtual clock, for the tests of its self-protection: a resource with room for some calls at a time,
 * shared evenly, that loses by contention when there are more.
 */
import type { AdaptiveLimit, OperationLatency } from './adaptive-limit.ts';

export interface SimulatedLoad {
  readonly seconds: number;
  /** Calls that the resource carries at a time without slowing down, by the time in milliseconds. */
  readonly slots: (now: number) => number;
  /** Time of a call that is alone. */
  readonly workMs: (now: number) => number;
  /** Calls that come in a second. */
  readonly perSecond: (now: number) => number;
  /** A call takes (calls ÷ slots) to this power as long: 1 loses nothing, more is contention. */
  readonly contention: number;
  /** In [0,1): how unequal the calls are. */
  readonly spread?: number;
}

export interface SimulatedSecond {
  readonly answered: number;
  readonly averageMs: number;
  readonly limit: number;
}

/** Runs the load through the limit; a call that finds it reached is refused. Gives what each second brought. */
export function simulate(limit: AdaptiveLimit, load: SimulatedLoad): SimulatedSecond[] {
  const random = pseudoRandom(7);
  const server = new SimulatedServer(limit, load, random);
  const seconds: SimulatedSecond[] = [];
  for (let now = 0; now < load.seconds * 1000; now++) {
    const due = load.perSecond(now) / 1000;
    const arriving = Math.floor(due) + (random() < due % 1 ? 1 : 0);
    for (let n = 0; n < arriving; n++) server.offer(now);
    server.work(now);
    limit.tick(now);
    if (now % 1000 === 999) seconds.push(server.second());
  }
  return seconds;
}

class SimulatedServer {
  readonly #limit: AdaptiveLimit;
  readonly #operation: OperationLatency;
  readonly #load: SimulatedLoad;
  readonly #random: () => number;
  #calls: { leftMs: number; since: number }[] = [];
  #answered = 0;
  #sumMs = 0;

  constructor(limit: AdaptiveLimit, load: SimulatedLoad, random: () => number) {
    this.#limit = limit;
    this.#operation = limit.operation();
    this.#load = load;
    this.#random = random;
  }

  offer(now: number): void {
    if (this.#calls.length >= this.#limit.limit) return;
    const { workMs, spread = 0 } = this.#load;
    const factor = 1 - spread - spread * Math.log(1 - this.#random());
    this.#operation.began(now);
    this.#calls.push({ leftMs: workMs(now) * factor, since: now });
  }

  work(now: number): void {
    const slowdown = Math.max(1, this.#calls.length / this.#load.slots(now)) ** this.#load.contention;
    let inFlight = this.#calls.length;
    for (const call of this.#calls) {
      call.leftMs -= 1 / slowdown;
      if (call.leftMs > 0) continue;
      const latencyMs = now + 1 - call.since;
      this.#answered++;
      this.#sumMs += latencyMs;
      this.#limit.record(this.#operation, latencyMs, inFlight--, now + 1);
      this.#operation.ended(now + 1);
    }
    this.#calls = this.#calls.filter(({ leftMs }) => leftMs > 0);
  }

  second(): SimulatedSecond {
    const averageMs = this.#sumMs / this.#answered;
    const second = { answered: this.#answered, averageMs, limit: this.#limit.limit };
    this.#answered = 0;
    this.#sumMs = 0;
    return second;
  }
}

/** A linear congruential generator: the same run every time. */
function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
