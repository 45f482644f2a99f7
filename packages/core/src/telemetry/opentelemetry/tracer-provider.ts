/** Hands out tracers that all record with the one of the process. */
import {
  type Context,
  context as contextApi,
  type Span as OpenTelemetrySpan,
  type Tracer as OpenTelemetryTracer,
  type SpanContext,
  type SpanOptions,
  type TracerProvider,
  trace,
} from '@opentelemetry/api';
import { type Attributes, spanKinds } from '../span-record.ts';
import type { Tracer } from '../tracer.ts';
import { monotonic, SpanAdapter, toTraceContext } from './span-adapter.ts';

export class FlotillaTracerProvider implements TracerProvider {
  readonly #tracer: Tracer;
  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  getTracer(name: string, version?: string): OpenTelemetryTracer {
    // The names by which exporters without a notion of instrumentation scopes tell of them (OpenTelemetry to non-OTLP).
    const scope: Attributes = { 'otel.scope.name': name, ...(version && { 'otel.scope.version': version }) };
    return new TracerAdapter(this.#tracer, scope);
  }
}

class TracerAdapter implements OpenTelemetryTracer {
  readonly #tracer: Tracer;
  readonly #scope: Attributes;

  constructor(tracer: Tracer, scope: Attributes) {
    this.#tracer = tracer;
    this.#scope = scope;
  }

  startSpan(name: string, options: SpanOptions = {}, context = contextApi.active()): OpenTelemetrySpan {
    const { attributes, links, startTime } = options;
    const above = options.root ? undefined : trace.getSpan(context);
    const known = above?.spanContext();
    const span = this.#tracer.start(
      name,
      spanKinds[options.kind ?? 0] ?? 'internal',
      above instanceof SpanAdapter ? above.span : known && toTraceContext(known),
      startTime === undefined ? undefined : monotonic(this.#tracer, startTime),
    );
    for (const key in this.#scope) span.set(key, this.#scope[key]!);
    const adapter = new SpanAdapter(this.#tracer, span, stateOf(known));
    if (attributes) adapter.setAttributes(attributes);
    if (links) adapter.addLinks(links);
    return adapter;
  }

  startActiveSpan<F extends (span: OpenTelemetrySpan) => unknown>(
    name: string,
    ...rest: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const work = rest.at(-1) as (span: OpenTelemetrySpan) => ReturnType<F>;
    const options = rest.length > 1 ? (rest[0] as SpanOptions) : {};
    const parent = rest.length > 2 ? (rest[1] as Context) : contextApi.active();
    const span = this.startSpan(name, options, parent);
    return contextApi.with(trace.setSpan(parent, span), work, undefined, span);
  }
}

/** A span goes on with the `tracestate` of its parent. */
function stateOf(parent: SpanContext | undefined): SpanContext['traceState'] {
  return parent?.traceState;
}
