/**
 * The tracer of a process: starts spans, takes them when they end, and finds them again. Always on: what it costs is
 * about a microsecond a span, and memory of a fixed size.
 */

import type { KeepOptions } from './kept-traces.ts';
import { Span, type SpanRecorder } from './span.ts';
import type { Attributes, SpanKind, SpanRecord, TraceSummary } from './span-record.ts';
import { SpanRing } from './span-ring.ts';
import { ShapeTable, type SpanShape } from './span-shape.ts';
import { TailKeep } from './tail-keep.ts';
import { parseTraceparent, type TraceContext } from './trace-context.ts';
import { TraceIds } from './trace-ids.ts';
import { WallClock } from './wall-clock.ts';

export interface TracerOptions {
  /** Spans in the ring, rounded up to a power of two. Default 4,096. */
  readonly capacity?: number;
  /** How many traces that failed or were slow are kept beside it. */
  readonly keep?: KeepOptions;
  /** Monotonic milliseconds. Default `performance.now`. */
  readonly clock?: () => number;
  /** Unix milliseconds. Default `Date.now`. */
  readonly unixClock?: () => number;
  readonly ids?: TraceIds;
}

export interface TraceFilter {
  /** Default: those kept because they failed or were slow. `recent`: any that is still in the ring. */
  readonly reason?: TraceSummary['reason'];
  /** What the name contains. */
  readonly name?: string;
  /** Those that took at least so long. */
  readonly minDurationMs?: number;
  /** Default 20. */
  readonly limit?: number;
}

/** Starts spans that have name, kind and some attributes in common. */
export interface SpanTemplate {
  /**
   * @param parent a span of this process, or the context that arrived with a request; without, a new trace begins.
   * @param startTime monotonic milliseconds (`performance.now()`); default: now.
   */
  start(parent: Span | TraceContext | undefined, startTime?: number): Span;
  /** As `start`, below the active span if an adapter keeps track of one in the parent's trace: see `Tracer.parentOr`. */
  startBelowActive(parent: Span | TraceContext | undefined, startTime?: number): Span;
}

/**
 * Keeps track of the active span across asynchronous steps. Only there when somebody needs it (the OpenTelemetry
 * adapter), because keeping track costs something on every await of the process.
 */
export interface ActiveSpans {
  run<A, B, R>(span: Span, work: (a: A, b: B) => R, a: A, b: B): R;
  current(): Span | TraceContext | undefined;
}

export const DEFAULT_CAPACITY = 4096;
/** Names that differ without end (a URL in a span name) must not fill the memory: the rest is kept with each span. */
const SHAPES = 2048;

export class Tracer implements SpanRecorder {
  readonly ids: TraceIds;
  /** Set by an adapter; undefined: nobody keeps track. */
  activeSpans: ActiveSpans | undefined = undefined;
  readonly #clock: () => number;
  readonly #wall: WallClock;
  readonly #shapes = new ShapeTable(SHAPES);
  readonly #named: Readonly<Record<SpanKind, Map<string, SpanShape>>>;
  readonly #templates = new Map<string, Template>();
  readonly #ring: SpanRing;
  readonly #tail: TailKeep;
  readonly #listeners: ((sequence: number) => void)[] = [];

  constructor(options: TracerOptions = {}) {
    const { capacity = DEFAULT_CAPACITY, clock = () => performance.now(), unixClock = Date.now } = options;
    this.#clock = clock;
    const origin = options.unixClock === undefined ? performance.timeOrigin : unixClock() - clock();
    this.#wall = new WallClock(origin, clock, unixClock);
    this.ids = options.ids ?? new TraceIds();
    this.#ring = new SpanRing(capacity, this.#shapes);
    this.#tail = new TailKeep(this.#ring, this.#shapes, options.keep);
    this.#named = {
      ...{ internal: new Map(), server: new Map(), client: new Map() },
      ...{ producer: new Map(), consumer: new Map() },
    };
  }

  /**
   * Starts a span.
   *
   * @param parent a span of this process, or the context that arrived with a request; without, a new sampled trace begins.
   * @param startTime monotonic milliseconds (`performance.now()`); default: now.
   */
  start(
    name: string,
    kind: SpanKind,
    parent: Span | TraceContext | undefined,
    startTime: number = this.#clock(),
  ): Span {
    return new Span(this, this.shape(name, kind), parent, startTime);
  }

  /** Prepares spans that have name, kind and attributes in common: one per operation, say. The same is made once. */
  template(name: string, kind: SpanKind, attributes?: Attributes): SpanTemplate {
    const key = `${kind} ${name} ${JSON.stringify(attributes ?? {})}`;
    const known = this.#templates.get(key);
    if (known !== undefined) return known;
    const shape = this.#shapes.add(name, kind, attributes);
    const template = new Template(this, shape);
    if (shape.index > 0) this.#templates.set(key, template);
    return template;
  }

  /** The spans of a trace that are still here, in the order they began, parents before their children. */
  spansOf(traceId: string): SpanRecord[] {
    const trace = parseTraceparent(`00-${traceId}-0000000000000001-00`);
    if (trace === undefined) return [];
    const spans = new Map(this.#tail.spansOf(traceId).map((span) => [span.spanId, span]));
    for (const sequence of this.#ring.find(trace)) {
      const span = this.#ring.read(sequence);
      if (span !== undefined) spans.set(span.spanId, span);
    }
    return inOrder([...spans.values()]);
  }

  /** The traces that failed or were slow, or those in the ring; the latest first. */
  recent(filter: TraceFilter = {}): TraceSummary[] {
    const { reason, name = '', minDurationMs = 0, limit = 20 } = filter;
    const found: TraceSummary[] = [];
    for (const summary of reason === 'recent' ? this.#rootsInRing() : this.#tail.summaries()) {
      if (found.length >= limit) break;
      if (reason !== undefined && summary.reason !== reason) continue;
      if (summary.name.includes(name) && summary.durationMs >= minDurationMs) found.push(summary);
    }
    return found;
  }

  /**
   * Calls `work(a, b)` with the span as the active one for libraries that look for it. Without an adapter it is a call
   * like any other.
   */
  runInSpan<A, B, R>(span: Span, work: (a: A, b: B) => R, a: A, b: B): R {
    return this.activeSpans === undefined ? work(a, b) : this.activeSpans.run(span, work, a, b);
  }

  /**
   * What a new span here should have as its parent: the active span if an adapter keeps track of it, or else the one
   * that the caller knows of. An active span of another trace does not count: a timer that serves many calls runs in
   * the context of the one that set it.
   */
  parentOr<T extends Span | TraceContext | undefined>(known: T): T | Span | TraceContext {
    const active = this.activeSpans?.current();
    if (active === undefined) return known;
    return known === undefined || isSameTrace(active, known) ? active : known;
  }

  /** Spans ended so far: the sequence number that the next one will have. */
  get ended(): number {
    return this.#ring.next;
  }

  /** The span with that sequence number; undefined when the ring has moved on. */
  read(sequence: number): SpanRecord | undefined {
    return this.#ring.read(sequence);
  }

  /** The lowest sequence number that may still be in the ring. */
  get oldest(): number {
    return this.#ring.oldest;
  }

  /**
   * Calls the listener with the sequence number of each span that ends, while the span's work is still on the stack: it
   * should do no more than count. What the span says can be read later, in a batch.
   *
   * @returns what takes the listener off again.
   */
  onEnd(listener: (sequence: number) => void): () => void {
    this.#listeners.push(listener);
    return () => {
      const at = this.#listeners.indexOf(listener);
      if (at >= 0) this.#listeners.splice(at, 1);
    };
  }

  /** The monotonic time of a Unix time, both in milliseconds. */
  monotonicOf(unixMs: number): number {
    return unixMs - this.#wall.offsetAt(this.#clock());
  }

  /** For spans: the time. */
  now(): number {
    return this.#clock();
  }

  /** For spans: what stands for a name and a kind. */
  shape(name: string, kind: SpanKind): SpanShape {
    const named = this.#named[kind];
    const known = named.get(name);
    if (known !== undefined) return known;
    const shape = this.#shapes.add(name, kind);
    if (shape.index > 0) named.set(name, shape);
    return shape;
  }

  /** For spans: takes one that ended. */
  record(span: Span): void {
    const sequence = this.#ring.next;
    const toUnix = this.#wall.offsetAt(span.endTime);
    this.#ring.write(span, toUnix);
    if (span.root === span) this.#tail.rootEnded(span, toUnix);
    else this.#tail.spanEnded(span, toUnix);
    if (this.#listeners.length > 0) this.#tell(sequence);
  }

  *#rootsInRing(): Iterable<TraceSummary> {
    for (let sequence = this.#ring.next - 1; sequence >= this.#ring.oldest; sequence--) {
      if (!this.#ring.isLocalRoot(sequence)) continue;
      const root = this.#ring.read(sequence);
      if (root === undefined) continue;
      const { traceId, name, kind, startMs, durationMs } = root;
      const spans = this.spansOf(traceId).length;
      yield { traceId, name, kind, startMs, durationMs, reason: 'recent', spans };
    }
  }

  #tell(sequence: number): void {
    for (const listener of this.#listeners) listener(sequence);
  }
}

class Template implements SpanTemplate {
  readonly #tracer: Tracer;
  readonly #shape: SpanShape;

  constructor(tracer: Tracer, shape: SpanShape) {
    this.#tracer = tracer;
    this.#shape = shape;
  }

  start(parent: Span | TraceContext | undefined, startTime: number = this.#tracer.now()): Span {
    return new Span(this.#tracer, this.#shape, parent, startTime);
  }

  startBelowActive(parent: Span | TraceContext | undefined, startTime?: number): Span {
    return this.start(this.#tracer.parentOr(parent), startTime);
  }
}

function isSameTrace(a: TraceContext, b: TraceContext): boolean {
  return a.trace3 === b.trace3 && a.trace2 === b.trace2 && a.trace1 === b.trace1 && a.trace0 === b.trace0;
}

function inOrder(spans: SpanRecord[]): SpanRecord[] {
  const byId = new Map(spans.map((span) => [span.spanId, span]));
  const depth = (span: SpanRecord): number => {
    let steps = 0;
    for (let next = byId.get(span.parentSpanId ?? ''); next && steps <= spans.length; steps++)
      next = byId.get(next.parentSpanId ?? '');
    return steps;
  };
  return spans
    .map((span) => ({ span, depth: depth(span) }))
    .sort((a, b) => a.span.startMs - b.span.startMs || a.depth - b.depth)
    .map(({ span }) => span);
}
