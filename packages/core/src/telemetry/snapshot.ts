/** Metrics as data: what the admin port hands to `flotilla top` and other tools. */
import { type Distribution, quantile } from './distribution.ts';
import type { Family, MetricType } from './family.ts';
import type { Labels } from './labels.ts';

/** A distribution with its usual quantiles since the process started; see `difference` for those of an interval. */
export interface DistributionSnapshot extends Distribution {
  readonly quantiles: { readonly p50: number; readonly p90: number; readonly p99: number };
}

export interface SeriesSnapshot {
  readonly labels: Labels;
  /** Of counters and gauges. */
  readonly value?: number;
  /** Of histograms. */
  readonly distribution?: DistributionSnapshot;
}

export interface FamilySnapshot {
  /** Without `_total`. */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  readonly series: readonly SeriesSnapshot[];
}

export type MetricsSnapshot = readonly FamilySnapshot[];

export function takeSnapshot(families: Iterable<Family>): MetricsSnapshot {
  return [...families].map(({ name, type, help, points }) => ({
    name,
    type,
    help,
    series: [...points()].map(({ labels, value }) =>
      typeof value === 'number' ? { labels, value } : { labels, distribution: summarize(value.read()) },
    ),
  }));
}

function summarize(read: Distribution): DistributionSnapshot {
  // Infinities are not JSON.
  const distribution = read.count === 0 ? { ...read, min: 0, max: 0 } : read;
  const at = (q: number) => quantile(distribution, q) ?? 0;
  return { ...distribution, quantiles: { p50: at(0.5), p90: at(0.9), p99: at(0.99) } };
}
