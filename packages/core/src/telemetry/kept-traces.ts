/**
 * The traces worth keeping when the ring has long turned over: a bounded store with room for the rare.
 *
 * Traces of one name that failed with one code, or were slow, are a group. A group may add a few traces a second; when
 * the store is full, the largest group gives up its oldest. So a flood of one error can neither cost much nor push
 * out the single one of another kind.
 */
import type { SpanRecord, TraceSummary } from './span-record.ts';
import { type TraceContext, traceIdOf } from './trace-context.ts';

export interface KeepOptions {
  /** Traces kept. Default 128. */
  readonly traces?: number;
  /** Spans of all kept traces together. Default 2,048. */
  readonly spans?: number;
  /** Traces that a group may add in a second. Default 5. */
  readonly perSecond?: number;
}

export const keepDefaults: Required<KeepOptions> = { traces: 128, spans: 2048, perSecond: 5 };

export type KeptSummary = Omit<TraceSummary, 'spans'>;

interface KeptTrace {
  summary: KeptSummary;
  readonly group: string;
  readonly cell: number;
  /** By span id. */
  readonly spans: Map<string, SpanRecord>;
}

interface Rate {
  second: number;
  count: number;
}

/** Spans of one trace; a loop of thousands of calls is told by its first ones. */
const SPANS_OF_TRACE = 256;
/** Groups whose rate is known; the one known longest is forgotten for a new one. */
const GROUPS = 256;
/** All groups together, as a multiple of what one may add. */
const ALL_GROUPS = 10;
const CELLS = 4096;

export class KeptTraces {
  readonly #limit: number;
  readonly #spanLimit: number;
  readonly #perSecond: number;
  /** In the order they were kept. */
  readonly #traces = new Map<string, KeptTrace>();
  readonly #sizes = new Map<string, number>();
  readonly #rates = new Map<string, Rate>();
  readonly #overall: Rate = { second: 0, count: 0 };
  /** How many kept traces have these low bits in their id: tells cheaply that a trace is not kept. */
  readonly #cells = new Uint16Array(CELLS);
  #spans = 0;

  constructor(options: KeepOptions = {}) {
    const { traces, spans, perSecond } = { ...keepDefaults, ...options };
    this.#limit = traces;
    this.#spanLimit = spans;
    this.#perSecond = perSecond;
  }

  get size(): number {
    return this.#traces.size;
  }

  get spans(): number {
    return this.#spans;
  }

  /** Whether the group may add a trace now, which it then is taken to do. @param now milliseconds. */
  admit(group: string, now: number): boolean {
    const second = Math.floor(now / 1000);
    if (!below(this.#overall, second, this.#perSecond * ALL_GROUPS)) return false;
    let rate = this.#rates.get(group);
    if (rate === undefined) {
      for (const oldest of this.#rates.keys()) {
        if (this.#rates.size < GROUPS) break;
        this.#rates.delete(oldest);
      }
      rate = { second, count: 0 };
      this.#rates.set(group, rate);
    }
    if (!below(rate, second, this.#perSecond)) return false;
    rate.count++;
    this.#overall.count++;
    return true;
  }

  /** Keeps a trace. One that is kept already gets the spans it lacks, and an error outweighs slowness. */
  keep(context: TraceContext, group: string, summary: KeptSummary, spans: readonly SpanRecord[]): void {
    const known = this.#traces.get(summary.traceId);
    if (known === undefined) {
      const cell = context.trace3 % CELLS;
      this.#traces.set(summary.traceId, { summary, group, cell, spans: new Map() });
      this.#cells[cell]!++;
      this.#sizes.set(group, (this.#sizes.get(group) ?? 0) + 1);
    } else if (known.summary.reason === 'slow' && summary.reason === 'error') {
      known.summary = { ...known.summary, reason: 'error', ...(summary.code && { code: summary.code }) };
    }
    for (const span of spans) this.#add(this.#traces.get(summary.traceId), span);
    while (this.#traces.size > this.#limit || (this.#spans > this.#spanLimit && this.#traces.size > 1))
      this.#drop();
  }

  /** Whether spans of that trace are still taken. */
  wants(context: TraceContext): boolean {
    if (this.#cells[context.trace3 % CELLS] === 0) return false;
    const trace = this.#traces.get(traceIdOf(context));
    return trace !== undefined && trace.spans.size < SPANS_OF_TRACE;
  }

  /** Adds a span that ended after its trace was kept. */
  append(span: SpanRecord): void {
    this.#add(this.#traces.get(span.traceId), span);
    while (this.#spans > this.#spanLimit && this.#traces.size > 1) this.#drop();
  }

  spansOf(traceId: string): readonly SpanRecord[] {
    return [...(this.#traces.get(traceId)?.spans.values() ?? [])];
  }

  /** The one kept last comes first. */
  *summaries(): Iterable<TraceSummary> {
    for (const { summary, spans } of [...this.#traces.values()].reverse())
      yield { ...summary, spans: spans.size };
  }

  #add(trace: KeptTrace | undefined, span: SpanRecord): void {
    if (trace === undefined || trace.spans.size >= SPANS_OF_TRACE || trace.spans.has(span.spanId)) return;
    trace.spans.set(span.spanId, span);
    this.#spans++;
  }

  /** The oldest trace of the largest group; of groups of the same size, the one with the oldest trace. */
  #drop(): void {
    const most = Math.max(...this.#sizes.values());
    for (const [traceId, { group, cell, spans }] of this.#traces) {
      if (this.#sizes.get(group) !== most) continue;
      this.#traces.delete(traceId);
      this.#cells[cell]!--;
      this.#spans -= spans.size;
      if (most === 1) this.#sizes.delete(group);
      else this.#sizes.set(group, most - 1);
      return;
    }
  }
}

function below(rate: Rate, second: number, limit: number): boolean {
  if (rate.second !== second) {
    rate.second = second;
    rate.count = 0;
  }
  return rate.count < limit;
}
