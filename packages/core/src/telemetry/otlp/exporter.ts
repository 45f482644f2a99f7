/**
 * The export of a process's telemetry over OTLP/HTTP: reads spans and metrics, encodes and delivers them. Loaded only in
 * processes whose environment names a collector.
 */
import type { Logger } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Tracer } from '../tracer.ts';
import type { Destination, ExportConfiguration, Signal } from './configuration.ts';
import { Delivery, DeliveryCounters } from './delivery.ts';
import type { Encoding } from './encoding.ts';
import { MetricExporter } from './metric-exporter.ts';
import type { RetryTimes } from './retry.ts';
import { SpanExporter } from './span-exporter.ts';

export interface ExporterOptions {
  readonly configuration: ExportConfiguration;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** When the metrics began to count, Unix milliseconds. */
  readonly startMs: number;
  /** Default: 1 s, doubling to 30 s. */
  readonly retry?: RetryTimes;
}

export interface Exporter {
  /** Exports what is left, for at most `graceMs`, then stops. What is not sent by then is counted as dropped. */
  close(graceMs: number): Promise<void>;
}

/** Spans wait at most this long for a collector that is away: those behind them are worth more. */
const spansGiveUpAfterMs = 60_000;

export async function startExporter(options: ExporterOptions): Promise<Exporter> {
  const { configuration, tracer, metrics, log, startMs, retry = { baseMs: 1_000, maxMs: 30_000 } } = options;
  const { resource } = configuration;
  const counters = new DeliveryCounters(metrics);
  const deliveryOf = (signal: Signal, destination: Destination, encoding: Encoding, giveUpAfterMs: number) =>
    new Delivery({ signal, destination, encoding, giveUpAfterMs, retry, counters, log });
  const parts: { readonly delivery: Delivery; readonly exporter: SpanExporter | MetricExporter }[] = [];
  if (configuration.traces) {
    const { spanBatch: batch, spanQueue: queue, spanDelayMs: delayMs } = configuration;
    const encoding = await loadEncoding(configuration.traces);
    const delivery = deliveryOf('traces', configuration.traces, encoding, spansGiveUpAfterMs);
    const exporter = new SpanExporter({ tracer, delivery, encoding, resource, batch, queue, delayMs });
    parts.push({ delivery, exporter });
  }
  if (configuration.metrics) {
    const { metricIntervalMs: intervalMs } = configuration;
    const encoding = await loadEncoding(configuration.metrics);
    const delivery = deliveryOf('metrics', configuration.metrics, encoding, intervalMs);
    const exporter = new MetricExporter({ metrics, delivery, encoding, resource, intervalMs, startMs });
    parts.push({ delivery, exporter });
  }
  return {
    async close(graceMs) {
      const flushed = Promise.all(
        parts.map(({ delivery, exporter }) => {
          delivery.hurry();
          return exporter.flush();
        }),
      );
      await Promise.race([flushed, new Promise((resolve) => setTimeout(resolve, graceMs).unref())]);
      for (const { delivery, exporter } of parts) {
        exporter.close();
        delivery.close();
      }
      await flushed;
    },
  };
}

async function loadEncoding({ protocol }: Destination): Promise<Encoding> {
  if (protocol === 'http/json') return (await import('./json.ts')).jsonEncoding;
  return (await import('./protobuf.ts')).protobufEncoding;
}
