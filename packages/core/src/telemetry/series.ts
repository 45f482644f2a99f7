/** The instruments of one family, one per set of labels, and no more of them than memory allows. */
import { type Labels, labelKey } from './labels.ts';

/**
 * How many sets of labels a family may have, as in OpenTelemetry's cardinality limit. A label that somebody fills with
 * ids must not take the process's memory: what comes later shares one series, marked with `overflowLabels`.
 */
export const seriesLimit = 2000;

export const overflowLabels: Labels = { otel_metric_overflow: 'true' };

export interface Series<T> {
  readonly labels: Labels;
  /** The labels as text, see `labelKey`. */
  readonly key: string;
  readonly instrument: T;
}

export class SeriesTable<T> {
  readonly #make: () => T;
  readonly #entries = new Map<string, Series<T>>();
  #overflow: Series<T> | undefined;

  constructor(make: () => T) {
    this.#make = make;
  }

  /** The instrument of these labels, made when it is first asked for. Hot paths keep it. */
  with(labels: Labels): T {
    const key = labelKey(labels);
    const found = this.#entries.get(key);
    if (found) return found.instrument;
    if (this.#entries.size >= seriesLimit) {
      this.#overflow ??= this.#create(overflowLabels, labelKey(overflowLabels));
      return this.#overflow.instrument;
    }
    const series = this.#create({ ...labels }, key);
    this.#entries.set(key, series);
    return series.instrument;
  }

  /** Forgets a series whose subject is gone, such as an instance that left. */
  remove(labels: Labels): void {
    this.#entries.delete(labelKey(labels));
  }

  *[Symbol.iterator](): Iterator<Series<T>> {
    yield* this.#entries.values();
    if (this.#overflow) yield this.#overflow;
  }

  #create(labels: Labels, key: string): Series<T> {
    return { labels, key, instrument: this.#make() };
  }
}
