/** A span of ours as `@opentelemetry/api` wants it. */
import {
  type Exception,
  type Link,
  type Span as OpenTelemetrySpan,
  type SpanAttributes,
  type SpanAttributeValue,
  type SpanContext,
  type SpanStatus,
  SpanStatusCode,
  type TimeInput,
  type TraceState,
} from '@opentelemetry/api';
import type { Span } from '../span.ts';
import type { Attributes, AttributeValue } from '../span-record.ts';
import { parseTraceparent, spanIdOf, type TraceContext, traceIdOf } from '../trace-context.ts';
import type { Tracer } from '../tracer.ts';

/** `error.type` of a failure that nobody named, by the semantic conventions. */
const OTHER = '_OTHER';

export class SpanAdapter implements OpenTelemetrySpan {
  readonly span: Span;
  readonly #tracer: Tracer;
  readonly #traceState: TraceState | undefined;
  #context: SpanContext | undefined;
  #errorType: string | undefined;

  constructor(tracer: Tracer, span: Span, traceState?: TraceState) {
    this.#tracer = tracer;
    this.span = span;
    this.#traceState = traceState;
  }

  spanContext(): SpanContext {
    this.#context ??= {
      ...{ traceId: traceIdOf(this.span), spanId: spanIdOf(this.span), traceFlags: this.span.flags },
      ...(this.#traceState && { traceState: this.#traceState }),
    };
    return this.#context;
  }

  setAttribute(key: string, value: SpanAttributeValue): this {
    const plain = plainValue(value);
    if (plain === undefined) return this;
    if (key === 'error.type') this.#named(String(plain));
    else this.span.set(key, plain);
    return this;
  }

  setAttributes(attributes: SpanAttributes): this {
    for (const [key, value] of Object.entries(attributes)) this.setAttribute(key, value);
    return this;
  }

  addEvent(name: string, attributesOrTime?: SpanAttributes | TimeInput, time?: TimeInput): this {
    const isTime = isTimeInput(attributesOrTime);
    const attributes = isTime ? undefined : plainAttributes(attributesOrTime);
    const at = isTime ? attributesOrTime : time;
    this.span.event(name, attributes, at === undefined ? undefined : monotonic(this.#tracer, at));
    return this;
  }

  addLink(link: Link): this {
    const context = toTraceContext(link.context);
    if (context) this.span.link(context, plainAttributes(link.attributes));
    return this;
  }

  addLinks(links: Link[]): this {
    for (const link of links) this.addLink(link);
    return this;
  }

  /** `OK` is final; `UNSET` changes nothing (OpenTelemetry specification, "Set status"). */
  setStatus({ code, message }: SpanStatus): this {
    if (code === SpanStatusCode.OK) this.span.succeed();
    else if (code === SpanStatusCode.ERROR && this.span.status !== 1)
      this.span.fail(this.#errorType ?? OTHER, message);
    return this;
  }

  updateName(name: string): this {
    this.span.rename(name);
    return this;
  }

  end(time?: TimeInput): void {
    this.span.end(time === undefined ? undefined : monotonic(this.#tracer, time));
  }

  isRecording(): boolean {
    return !this.span.ended;
  }

  /** As the event `exception` of the semantic conventions. The status stays what it is. */
  recordException(exception: Exception, time?: TimeInput): void {
    const { name, code, message, stack } =
      typeof exception === 'string'
        ? { message: exception }
        : (exception as Partial<Error & { code: unknown }>);
    const type = code === undefined ? name : String(code);
    this.#errorType ??= type;
    const attributes = plainAttributes({
      'exception.type': type,
      'exception.message': message,
      'exception.stacktrace': stack,
    });
    this.addEvent('exception', attributes, time);
  }

  #named(errorType: string): void {
    this.#errorType = errorType;
    if (this.span.status === 2) this.span.fail(errorType, this.span.message);
    else this.span.set('error.type', errorType);
  }
}

/** What arrived or was made elsewhere, as numbers. Undefined when it is not valid. */
export function toTraceContext({ traceId, spanId, traceFlags }: SpanContext): TraceContext | undefined {
  const context = parseTraceparent(`00-${traceId}-${spanId}-00`);
  return context && { ...context, flags: traceFlags };
}

/** Arrays and objects, which our spans have not, become JSON. */
export function plainValue(value: unknown): AttributeValue | undefined {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return value;
    case 'bigint':
      return String(value);
    case 'object':
      return value === null ? undefined : asJson(value);
    default:
      return undefined;
  }
}

export function plainAttributes(attributes: SpanAttributes | undefined): Attributes | undefined {
  if (attributes === undefined) return undefined;
  const plain: Record<string, AttributeValue> = {};
  for (const [key, value] of Object.entries(attributes)) {
    const one = plainValue(value);
    if (one !== undefined) plain[key] = one;
  }
  return plain;
}

/**
 * A time of the API as a monotonic one. A number is Unix milliseconds or `performance.now()`, which is far smaller: no
 * process runs for decades.
 */
export function monotonic(tracer: Tracer, time: TimeInput): number {
  if (time instanceof Date) return tracer.monotonicOf(time.getTime());
  if (Array.isArray(time)) return tracer.monotonicOf(time[0] * 1e3 + time[1] / 1e6);
  return time < performance.timeOrigin / 2 ? time : tracer.monotonicOf(time);
}

function isTimeInput(value: SpanAttributes | TimeInput | undefined): value is TimeInput {
  return typeof value === 'number' || value instanceof Date || (Array.isArray(value) && value.length === 2);
}

function asJson(value: object): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return String(value);
  }
}
