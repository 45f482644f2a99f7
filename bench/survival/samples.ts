/** What clients saw of their calls, and what can be said of it. */
import { percentile } from '../statistics.ts';

export interface CallSample {
  /** When it was sent, in Unix milliseconds. */
  readonly at: number;
  readonly ms: number;
  /** `ok`, or the code of the error and a hint of where it came from. */
  readonly code: string;
}

export interface CallWindow {
  /** Milliseconds after `from`. */
  readonly begins: number;
  readonly calls: number;
  readonly failed: number;
  readonly p99ms: number;
}

/** Those sent from `from` on and before `to`. */
export function between(samples: readonly CallSample[], from: number, to: number): CallSample[] {
  return samples.filter(({ at }) => at >= from && at < to);
}

export function failed(samples: readonly CallSample[]): CallSample[] {
  return samples.filter(({ code }) => code !== 'ok');
}

/** A percentile of all latencies, those of failed calls too: a caller waits for either. NaN for none. */
export function latency(samples: readonly CallSample[], percent: number): number {
  return percentile(Float64Array.from(samples, ({ ms }) => ms).sort(), percent);
}

/** Of each window of `widthMs` between `from` and `to`, by the time at which the calls were sent. */
export function windows(
  samples: readonly CallSample[],
  from: number,
  to: number,
  widthMs: number,
): CallWindow[] {
  const count = Math.max(0, Math.ceil((to - from) / widthMs));
  const inside = Array.from({ length: count }, (): CallSample[] => []);
  for (const sample of between(samples, from, to)) {
    inside[Math.floor((sample.at - from) / widthMs)]!.push(sample);
  }
  return inside.map((calls, index) => ({
    begins: index * widthMs,
    calls: calls.length,
    failed: failed(calls).length,
    p99ms: latency(calls, 99),
  }));
}

/** When the last window that is slower than `limitMs` ends, in milliseconds after the first begins; 0: none is. */
export function slowUntil(all: readonly CallWindow[], limitMs: number): number {
  const last = all.findLastIndex(({ p99ms }) => p99ms > limitMs);
  return last < 0 ? 0 : (all[last + 1]?.begins ?? all[last]!.begins + (all[1]?.begins ?? 0));
}

/** `unavailable 3, overloaded 1`; empty when none failed. */
export function failuresByCode(samples: readonly CallSample[]): string {
  const counts = new Map<string, number>();
  for (const { code } of failed(samples)) counts.set(code, (counts.get(code) ?? 0) + 1);
  return [...counts].map(([code, count]) => `${code} ${count}`).join(', ');
}
