/** A metric as its readers see it: the text formats, the export, the snapshot. */
import type { ExponentialHistogram } from './exponential-histogram.ts';
import type { Labels } from './labels.ts';

export type MetricType = 'counter' | 'gauge' | 'histogram';

/** One series of a family at the moment of reading. */
export interface Point {
  readonly labels: Labels;
  /** The labels as text, see `labelKey`. */
  readonly key: string;
  readonly value: number | ExponentialHistogram;
}

/** All series of one name. */
export interface Family {
  /** Without `_total`. */
  readonly name: string;
  readonly help: string;
  readonly type: MetricType;
  /** `seconds`, `bytes`, …, or empty. */
  readonly unit: string;
  points(): Iterable<Point>;
}
