/** What a process did between two looks at its metrics. Pure. */

import {
  type Distribution,
  difference,
  isPlatformCode,
  type Labels,
  type MetricsSnapshot,
  merge,
  platformCodes,
  quantile,
} from 'flotilla';

/** Of the time between the looks; null where a process has no such thing, or there was only one look. */
export interface InstanceLoad {
  /** Calls that it handled; at the gateway: requests. */
  readonly callsPerSecond: number | null;
  /** Share of them that failed by a fault of the fleet (500 and above at an HTTP edge), not by a no to the caller. */
  readonly errorShare: number | null;
  /** Null as well where there were no calls. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly inFlight: number | null;
  /** Calls that wait to be handled. */
  readonly queue: number | null;
  /** Calls that may be handled at a time. */
  readonly limit: number | null;
  /** Calls of its own that it sent again. */
  readonly retriesPerSecond: number | null;
  /** Operations that it calls whose breakers are open or half-open. */
  readonly breakersOpen: number;
  /** How late the event loop was: 99 % of its turns in the last 10 to 20 s were less. */
  readonly loopDelayMs: number | null;
  /** Of one core. */
  readonly cpuShare: number | null;
  readonly rssBytes: number | null;
}

/** @param before undefined, or of an earlier process of that name: only what holds now is told. */
export function loadBetween(
  before: MetricsSnapshot | undefined,
  after: MetricsSnapshot,
  elapsedMs: number,
): InstanceLoad {
  const now = new Reader(after);
  const started = new Reader(before ?? []).sum('process_start_time_seconds');
  const isSame = started !== null && started === now.sum('process_start_time_seconds');
  const then = isSame && before ? new Reader(before) : undefined;
  const rate = (name: string, wanted?: (labels: Labels) => boolean): number | null => {
    const total = now.sum(name, wanted);
    if (then === undefined || total === null) return null;
    return (total - (then.sum(name, wanted) ?? 0)) / (elapsedMs / 1_000);
  };
  const isGateway = now.has('flotilla_gateway_requests');
  const side = isGateway ? 'flotilla_gateway' : 'flotilla_server';
  const counted = isGateway ? 'flotilla_gateway_requests' : 'flotilla_server_calls';
  const calls = rate(counted);
  const failed = rate(counted, isFault);
  const latency = then && merge(now.differences(`${side}_${isGateway ? 'request' : 'call'}_seconds`, then));
  const ms = (q: number): number | null => {
    const seconds = latency && quantile(latency, q);
    return seconds === undefined ? null : seconds * 1_000;
  };
  const delay = now.sum('nodejs_eventloop_delay_seconds', ({ stat }) => stat === 'p99');
  return {
    callsPerSecond: calls,
    errorShare: calls === null ? null : calls > 0 ? (failed ?? 0) / calls : 0,
    p50Ms: ms(0.5),
    p99Ms: ms(0.99),
    inFlight: now.sum(`${side}_in_flight`),
    queue: now.sum('flotilla_server_queue'),
    limit: now.sum('flotilla_server_limit'),
    retriesPerSecond: rate('flotilla_client_attempts', ({ kind }) => kind === 'retry'),
    breakersOpen: now.series('flotilla_breaker_state').filter(({ value = 0 }) => value > 0).length,
    loopDelayMs: delay === null ? null : delay * 1_000,
    cpuShare: rate('process_cpu_seconds'),
    rssBytes: now.sum('process_resident_memory_bytes'),
  };
}

function isFault({ code, status }: Labels): boolean {
  if (status !== undefined) return Number(status) >= 500;
  return code !== undefined && isPlatformCode(code) && platformCodes[code].httpStatus >= 500;
}

class Reader {
  readonly #families: ReadonlyMap<string, MetricsSnapshot[number]>;

  constructor(snapshot: MetricsSnapshot) {
    this.#families = new Map(snapshot.map((family) => [family.name, family]));
  }

  has(name: string): boolean {
    return this.#families.has(name);
  }

  series(name: string): MetricsSnapshot[number]['series'] {
    return this.#families.get(name)?.series ?? [];
  }

  /** Null where there is no such metric. */
  sum(name: string, wanted: (labels: Labels) => boolean = () => true): number | null {
    if (!this.has(name)) return null;
    let total = 0;
    for (const { labels, value = 0 } of this.series(name)) if (wanted(labels)) total += value;
    return total;
  }

  /** What each of its histograms has observed since. */
  differences(name: string, since: Reader): Distribution[] {
    const earlier = new Map(
      since.series(name).map(({ labels, distribution }) => [JSON.stringify(labels), distribution]),
    );
    return this.series(name).flatMap(({ labels, distribution }) => {
      if (distribution === undefined) return [];
      const old = earlier.get(JSON.stringify(labels));
      return [old === undefined ? distribution : difference(distribution, old)];
    });
  }
}
