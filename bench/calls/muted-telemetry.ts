/** Telemetry that records nothing, so that what it costs can be told. In production there is no such switch. */
import { Metrics, type Span, type SpanTemplate, silentTelemetry, type Telemetry, Tracer } from 'flotilla';

export function mutedTelemetry(): Telemetry {
  return { ...silentTelemetry(), tracer: new MutedTracer(), metrics: new MutedMetrics() };
}

/** All its spans are one, which has ended. */
class MutedTracer extends Tracer {
  readonly #span: Span;

  constructor() {
    super({ capacity: 2 });
    this.#span = super.start('muted', 'internal', undefined);
    this.#span.end();
  }

  override start(): Span {
    return this.#span;
  }

  override template(): SpanTemplate {
    const start = () => this.#span;
    return { start, startBelowActive: start };
  }
}

/** Counters still count: that is one addition. */
class MutedMetrics extends Metrics {
  override histogram(name: string, help: string): ReturnType<Metrics['histogram']> {
    const histogram = super.histogram(name, help);
    const muted = histogram({});
    muted.observe = () => {};
    return Object.assign(() => muted, { remove: () => histogram.remove({}) });
  }
}
