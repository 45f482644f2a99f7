/** A closed loop of calls: a number of them in flight at any time, each sent when another is answered. */
import { percentile } from '../statistics.ts';
import { type Connected, ping } from './contender.ts';

export interface Drive {
  readonly calls: number;
  readonly seconds: number;
  readonly p50us: number;
  readonly p99us: number;
}

export async function drive(connected: Connected, inFlight: number, seconds: number): Promise<Drive> {
  const latencies: number[] = [];
  const startedAt = performance.now();
  const endAt = startedAt + seconds * 1000;
  const worker = async () => {
    for (let now = performance.now(); now < endAt; ) {
      const answer = await connected.call(ping);
      if (answer.n !== ping.n + 1) throw new Error(`a wrong answer: ${JSON.stringify(answer)}`);
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
