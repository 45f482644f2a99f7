/**
 * A span while it runs: one object from `start` to `end`. What it holds is written into the ring when it ends, and the
 * object is garbage.
 *
 * Hot path: ids are kept as signed numbers (V8 boxes larger ones), and attributes as a flat list of keys and values.
 */
import type { Attributes, AttributeValue, SpanKind } from './span-record.ts';
import type { SpanShape } from './span-shape.ts';
import type { TraceContext } from './trace-context.ts';
import type { TraceIds } from './trace-ids.ts';

/** The tracer, as a span sees it. */
export interface SpanRecorder {
  readonly ids: TraceIds;
  /** Monotonic milliseconds. */
  now(): number;
  /** Takes what an ended span holds. */
  record(span: Span): void;
  shape(name: string, kind: SpanKind): SpanShape;
}

/** Attributes, events and links each; more are counted and dropped. */
export const DETAIL_LIMIT = 64;
/** Characters of a text; the rest is cut off. */
export const TEXT_LIMIT = 2048;

const SAMPLED = 1;

export class SpanEvent {
  readonly name: string;
  readonly time: number;
  readonly attributes: Attributes | undefined;
  constructor(name: string, time: number, attributes: Attributes | undefined) {
    this.name = name;
    this.time = time;
    this.attributes = attributes;
  }
}

export class SpanLink {
  readonly context: TraceContext;
  readonly attributes: Attributes | undefined;
  constructor(context: TraceContext, attributes: Attributes | undefined) {
    this.context = context;
    this.attributes = attributes;
  }
}

export class Span implements TraceContext {
  readonly #recorder: SpanRecorder;
  readonly #trace0: number;
  readonly #trace1: number;
  readonly #trace2: number;
  readonly #trace3: number;
  readonly #span0: number;
  readonly #span1: number;
  readonly #parent0: number;
  readonly #parent1: number;
  /** Bit 0: sampled. Inherited; a new trace is sampled. */
  readonly flags: number;
  ended = false;

  // What the tracer reads when the span has ended; nobody else needs it.

  /** Name, kind and fixed attributes. */
  shape: SpanShape;
  /** The first span of this trace in this process; itself, when its parent is elsewhere or nowhere. */
  readonly root: Span;
  /** Monotonic milliseconds, as all times of a running span. */
  readonly startTime: number;
  endTime = Number.NaN;
  /** 0 unset, 1 ok, 2 error. */
  status = 0;
  code: string | undefined = undefined;
  message: string | undefined = undefined;
  /** Keys and values by turns, the first `2 × attributeCount` of them. */
  attributes: (AttributeValue | undefined)[] | undefined = undefined;
  attributeCount = 0;
  /** Events and links, in the order they came. */
  details: (SpanEvent | SpanLink)[] | undefined = undefined;
  dropped = 0;
  /** Of the first span of its trace here: those below it that have ended, the last one first, and how many. */
  lastHeld: Span | undefined = undefined;
  held = 0;
  /** The next one in that list. */
  heldBefore: Span | undefined = undefined;
  /** The code of the first failure below. */
  failedBelow: string | undefined = undefined;
  /** Whether its trace was kept when it ended. */
  kept = false;

  /** @param parent a span of this process, a context that arrived from another, or none: then a new trace begins. */
  constructor(
    recorder: SpanRecorder,
    shape: SpanShape,
    parent: Span | TraceContext | undefined,
    startTime: number,
  ) {
    const { ids } = recorder;
    this.#recorder = recorder;
    this.shape = shape;
    this.startTime = startTime;
    this.#span0 = ids.nextNonZero();
    this.#span1 = ids.next();
    if (parent === undefined) {
      this.#trace0 = ids.nextNonZero();
      this.#trace1 = ids.next();
      this.#trace2 = ids.next();
      this.#trace3 = ids.next();
      this.#parent0 = 0;
      this.#parent1 = 0;
      this.flags = SAMPLED;
      this.root = this;
    } else if (parent instanceof Span) {
      this.#trace0 = parent.#trace0;
      this.#trace1 = parent.#trace1;
      this.#trace2 = parent.#trace2;
      this.#trace3 = parent.#trace3;
      this.#parent0 = parent.#span0;
      this.#parent1 = parent.#span1;
      this.flags = parent.flags;
      this.root = parent.root;
    } else {
      this.#trace0 = parent.trace0 | 0;
      this.#trace1 = parent.trace1 | 0;
      this.#trace2 = parent.trace2 | 0;
      this.#trace3 = parent.trace3 | 0;
      this.#parent0 = parent.span0 | 0;
      this.#parent1 = parent.span1 | 0;
      this.flags = parent.flags;
      this.root = this;
    }
  }

  get trace0(): number {
    return this.#trace0 >>> 0;
  }
  get trace1(): number {
    return this.#trace1 >>> 0;
  }
  get trace2(): number {
    return this.#trace2 >>> 0;
  }
  get trace3(): number {
    return this.#trace3 >>> 0;
  }
  get span0(): number {
    return this.#span0 >>> 0;
  }
  get span1(): number {
    return this.#span1 >>> 0;
  }
  /** 0, with `parent1`: there is no parent. */
  get parent0(): number {
    return this.#parent0 >>> 0;
  }
  get parent1(): number {
    return this.#parent1 >>> 0;
  }
  get name(): string {
    return this.shape.name;
  }
  get kind(): SpanKind {
    return this.shape.kind;
  }

  /** Sets an attribute; the last value of a key counts. After the end nothing changes any more. */
  set(key: string, value: AttributeValue): this {
    if (this.ended) return this;
    const at = this.attributeCount * 2;
    if (this.attributes === undefined) {
      this.attributes = [key, value, undefined, undefined, undefined, undefined, undefined, undefined];
    } else if (at < this.attributes.length) {
      this.attributes[at] = key;
      this.attributes[at + 1] = value;
    } else if (this.attributeCount < DETAIL_LIMIT) {
      this.attributes.push(key, value);
    } else {
      this.dropped++;
      return this;
    }
    this.attributeCount++;
    return this;
  }

  /**
   * Notes that something happened.
   *
   * @param time monotonic milliseconds (`performance.now()`); default: now.
   */
  event(name: string, attributes?: Attributes, time: number = this.#recorder.now()): this {
    this.#detail(new SpanEvent(name, time, attributes));
    return this;
  }

  /** Points to a span that caused this one without being its parent: the message of a batch, say. */
  link(context: TraceContext, attributes?: Attributes): this {
    this.#detail(new SpanLink(context, attributes));
    return this;
  }

  /**
   * Marks the span as failed: status error, and `error.type` is the code. Not for answers that are an error to the user
   * only (a declared error, `not_found`): those set `error.type` themselves, and their trace is not kept for it.
   *
   * @param message what went wrong, in words.
   */
  fail(code: string, message?: string): this {
    if (this.ended) return this;
    this.status = 2;
    this.code = code;
    this.message = message;
    return this;
  }

  /** Says that all is well, whatever was said before. Only needed to take back a `fail`. */
  succeed(): this {
    if (this.ended) return this;
    this.status = 1;
    this.code = undefined;
    this.message = undefined;
    return this;
  }

  /** Gives the span another name, once more is known of it. */
  rename(name: string): this {
    if (this.ended) return this;
    const fixed = Object.entries(this.shape.attributes);
    this.shape = this.#recorder.shape(name, this.shape.kind);
    if (fixed.length > 0) {
      this.attributes = [...fixed.flat(), ...(this.attributes ?? []).slice(0, this.attributeCount * 2)];
      this.attributeCount += fixed.length;
    }
    return this;
  }

  /**
   * Ends the span; once.
   *
   * @param time monotonic milliseconds (`performance.now()`), for who has just asked the clock; default: now.
   */
  end(time: number = this.#recorder.now()): void {
    if (this.ended) return;
    this.ended = true;
    this.endTime = time > this.startTime ? time : this.startTime;
    this.#recorder.record(this);
  }

  #detail(detail: SpanEvent | SpanLink): void {
    if (this.ended) return;
    this.details ??= [];
    if (this.details.length < DETAIL_LIMIT) this.details.push(detail);
    else this.dropped++;
  }
}
