/**
 * The metrics of one process: a registry of families (counters, gauges, distributions). Instruments are cheap to
 * update, a property write or a bucket; what a scrape, an export or `flotilla top` shows is made when it is asked for.
 *
 * Names follow Prometheus' conventions: snake case, the base unit at the end (`_seconds`, `_bytes`). A counter's
 * `_total` is added where the format wants it.
 */
import { ExponentialHistogram } from './exponential-histogram.ts';
import { type ExpositionFormat, renderExposition } from './exposition.ts';
import type { Family, MetricType, Point } from './family.ts';
import { type Labels, labelKey } from './labels.ts';
import { SeriesTable } from './series.ts';
import { type MetricsSnapshot, takeSnapshot } from './snapshot.ts';

export type { Labels };

/** Values read when somebody asks: one number, or one per set of labels. */
export type Reading = number | Iterable<readonly [labels: Labels, value: number]>;

export class Counter {
  value = 0;
  /** @param amount not negative: a counter only grows. */
  add(amount = 1): void {
    this.value += amount;
  }
}

export class Gauge {
  value = 0;
  set(value: number): void {
    this.value = value;
  }
  add(amount = 1): void {
    this.value += amount;
  }
}

/** Gives the instrument of a set of labels: look it up once and keep it where it is hot. */
export interface Instruments<T> {
  (labels?: Labels): T;
  /** Forgets a series whose subject is gone. */
  remove(labels: Labels): void;
}

const familyName = /^[a-z_][a-z0-9_]*$/;
const units = ['seconds', 'bytes', 'ratio', 'celsius', 'meters', 'joules', 'volts', 'amperes', 'grams'];

export class Metrics {
  readonly #families = new Map<string, Family>();

  /** What only grows, counted by `add`. */
  counter(name: string, help: string): Instruments<Counter>;
  /** What only grows and is kept elsewhere: `read` is called when the metrics are read. */
  counter(name: string, help: string, read: () => Reading): void;
  counter(name: string, help: string, read?: () => Reading): Instruments<Counter> | undefined {
    const family = name.endsWith('_total') ? name.slice(0, -'_total'.length) : name;
    if (read) this.#addObserved(family, help, 'counter', read);
    else return this.#addInstruments(family, help, 'counter', () => new Counter(), readValue);
  }

  /** What goes up and down, set by hand. */
  gauge(name: string, help: string): Instruments<Gauge>;
  /** What goes up and down and is kept elsewhere: `read` is called when the metrics are read. */
  gauge(name: string, help: string, read: () => Reading): void;
  gauge(name: string, help: string, read?: () => Reading): Instruments<Gauge> | undefined {
    if (read) this.#addObserved(name, help, 'gauge', read);
    else return this.#addInstruments(name, help, 'gauge', () => new Gauge(), readValue);
  }

  /** A distribution of positive values, such as times and sizes. */
  histogram(name: string, help: string): Instruments<ExponentialHistogram> {
    return this.#addInstruments(name, help, 'histogram', () => new ExponentialHistogram(), itself);
  }

  /**
   * The text for a scrape: `prometheus` is text format 0.0.4, `openmetrics` is OpenMetrics 1.0 (the default). See
   * `negotiateFormat` for which of them a request wants.
   */
  render(format: ExpositionFormat = 'openmetrics'): string {
    return renderExposition(this.#families.values(), format);
  }

  /** The values of this moment as data that JSON can carry. */
  snapshot(): MetricsSnapshot {
    return takeSnapshot(this.#families.values());
  }

  /** For exporters: every family, in the order of registration. */
  families(): Iterable<Family> {
    return this.#families.values();
  }

  #addInstruments<T>(
    name: string,
    help: string,
    type: MetricType,
    make: () => T,
    read: (instrument: T) => Point['value'],
  ): Instruments<T> {
    const table = new SeriesTable(make);
    this.#add(name, help, type, function* () {
      for (const { labels, key, instrument } of table) yield { labels, key, value: read(instrument) };
    });
    const none: Labels = {};
    return Object.assign((labels: Labels = none) => table.with(labels), {
      remove: (labels: Labels) => table.remove(labels),
    });
  }

  #addObserved(name: string, help: string, type: MetricType, read: () => Reading): void {
    this.#add(name, help, type, function* () {
      const reading = read();
      if (typeof reading === 'number') yield { labels: {}, key: '', value: reading };
      else for (const [labels, value] of reading) yield { labels, key: labelKey(labels), value };
    });
  }

  #add(name: string, help: string, type: MetricType, points: () => Iterable<Point>): void {
    if (!familyName.test(name))
      throw new TypeError(`'${name}' cannot name a metric: use lower-case letters, digits and '_'`);
    if (this.#families.has(name)) throw new TypeError(`metric ${name} exists: register it once`);
    const unit = units.find((candidate) => name.endsWith(`_${candidate}`)) ?? '';
    this.#families.set(name, { name, help, type, unit, points });
  }
}

function readValue(instrument: { readonly value: number }): number {
  return instrument.value;
}

function itself<T>(instrument: T): T {
  return instrument;
}
