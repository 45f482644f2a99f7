/** Exports all metrics at an interval, with the values of that moment; a missed one is made good by the next. */
import type { Metrics } from '../metrics.ts';
import type { Attributes } from '../span-record.ts';
import type { Delivery } from './delivery.ts';
import type { Encoding } from './encoding.ts';

export interface MetricExporterOptions {
  readonly metrics: Metrics;
  readonly delivery: Delivery;
  readonly encoding: Encoding;
  readonly resource: Attributes;
  readonly intervalMs: number;
  /** When counting began, Unix milliseconds. */
  readonly startMs: number;
}

export class MetricExporter {
  readonly #options: MetricExporterOptions;
  readonly #timer: NodeJS.Timeout;
  #running: Promise<void> | undefined;

  constructor(options: MetricExporterOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#run(), options.intervalMs).unref();
  }

  /** Exports the last values. */
  async flush(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
    this.#run();
    await this.#running;
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #run(): void {
    this.#running ??= this.#export()
      // A gauge whose reading throws, say.
      .catch((error) => this.#options.delivery.defect(error))
      .finally(() => {
        this.#running = undefined;
      });
  }

  async #export(): Promise<void> {
    const { metrics, delivery, encoding, resource, startMs } = this.#options;
    const batch = encoding.metrics(resource, metrics.families(), { startMs, nowMs: Date.now() });
    if (batch) await delivery.deliver(batch.body, batch.points);
  }
}
