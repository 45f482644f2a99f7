/**
 * Metrics of one process in the OpenMetrics text format. Instruments are cheap to update (a property write); the text
 * is made when somebody asks.
 */
export type Labels = Readonly<Record<string, string>>;

interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  samples(): Iterable<string>;
}

export class Counter {
  value = 0;
  add(amount = 1): void {
    this.value += amount;
  }
}

/** Upper bounds in seconds, from 100 µs to 10 s. */
export const latencyBounds: readonly number[] = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

export class Histogram {
  readonly counts: Float64Array;
  readonly #bounds: readonly number[];
  sum = 0;

  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  observe(value: number): void {
    let index = 0;
    while (index < this.#bounds.length && value > this.#bounds[index]!) index++;
    this.counts[index]!++;
    this.sum += value;
  }
}

/** Instruments of one name, one per set of label values. */
class Series<T> {
  readonly #make: () => T;
  readonly entries = new Map<string, T>();
  constructor(make: () => T) {
    this.#make = make;
  }
  with(labels: Labels): T {
    const key = renderLabels(labels);
    let found = this.entries.get(key);
    if (!found) {
      found = this.#make();
      this.entries.set(key, found);
    }
    return found;
  }
}

export class Metrics {
  readonly #families = new Map<string, Family>();

  /** A monotonic count. By convention the sample is called `<name>_total`. */
  counter(name: string, help: string): (labels?: Labels) => Counter {
    const series = new Series(() => new Counter());
    this.#add({
      name,
      help,
      type: 'counter',
      *samples() {
        for (const [labels, counter] of series.entries)
          yield `${name}_total${braces(labels)} ${counter.value}`;
      },
    });
    return (labels = {}) => series.with(labels);
  }

  /** A value read when the text is made. */
  gauge(name: string, help: string, read: () => number): void {
    this.#add({
      name,
      help,
      type: 'gauge',
      *samples() {
        yield `${name} ${read()}`;
      },
    });
  }

  /** A distribution with cumulative buckets; the unit belongs into the name. */
  histogram(name: string, help: string, bounds: readonly number[]): (labels?: Labels) => Histogram {
    const series = new Series(() => new Histogram(bounds));
    this.#add({
      name,
      help,
      type: 'histogram',
      *samples() {
        for (const [labels, histogram] of series.entries) {
          const prefix = labels ? `${labels},` : '';
          let total = 0;
          for (const [index, count] of histogram.counts.entries()) {
            total += count;
            const bound = index < bounds.length ? String(bounds[index]) : '+Inf';
            yield `${name}_bucket{${prefix}le="${bound}"} ${total}`;
          }
          yield `${name}_sum${braces(labels)} ${histogram.sum}`;
          yield `${name}_count${braces(labels)} ${total}`;
        }
      },
    });
    return (labels = {}) => series.with(labels);
  }

  /** The exposition: `application/openmetrics-text; version=1.0.0; charset=utf-8`. */
  render(): string {
    const lines: string[] = [];
    for (const family of this.#families.values()) {
      lines.push(
        `# TYPE ${family.name} ${family.type}`,
        `# HELP ${family.name} ${family.help}`,
        ...family.samples(),
      );
    }
    lines.push('# EOF', '');
    return lines.join('\n');
  }

  #add(family: Family): void {
    if (this.#families.has(family.name))
      throw new TypeError(`metric ${family.name} exists: register it once`);
    this.#families.set(family.name, family);
  }
}

function renderLabels(labels: Labels): string {
  return Object.entries(labels)
    .map(
      ([name, value]) =>
        `${name}="${value.replaceAll('\\', '\\\\').replaceAll('\n', '\\n').replaceAll('"', '\\"')}"`,
    )
    .join(',');
}

function braces(labels: string): string {
  return labels ? `{${labels}}` : '';
}

/** Registers what every process has: memory, CPU, start time. */
export function processMetrics(metrics: Metrics): void {
  const startedAt = Date.now() / 1000 - process.uptime();
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  metrics.gauge('process_start_time_seconds', 'When the process started, Unix time.', () => startedAt);
  metrics.gauge('process_cpu_seconds', 'CPU time used, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
}
