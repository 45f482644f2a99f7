/** A closed loop: a number of operations in flight at any time, each begun when another has ended. */
import { percentile } from './statistics.ts';

export interface Drive {
  readonly calls: number;
  readonly seconds: number;
  readonly p50us: number;
  readonly p99us: number;
}

export async function drive(once: () => Promise<unknown>, inFlight: number, seconds: number): Promise<Drive> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  const worker = async () => {
    for (let now = performance.now(); now < endAt; ) {
      await once();
      const after = performance.now();
      latencies.push(after - now);
      now = after;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  const elapsed = (performance.now() - startedAt) / 1000;
  const sorted = Float64Array.from(latencies).sort();
  return {
    calls: sorted.length,
    seconds: elapsed,
    p50us: percentile(sorted, 50) * 1000,
    p99us: percentile(sorted, 99) * 1000,
  };
}
