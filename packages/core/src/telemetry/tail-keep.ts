/**
 * Decides, when the first span of a trace in this process ends, whether the trace is kept: when a span of it failed, or
 * when it was slow for its name. To know its spans even if the ring has turned over meanwhile, a running first span
 * holds on to those below it that have ended.
 *
 * A cancelled span below says nothing (the loser of a hedge is cancelled); a first span that was cancelled does.
 */
import { type KeepOptions, KeptTraces } from './kept-traces.ts';
import type { Span } from './span.ts';
import type { SpanRecord, TraceSummary } from './span-record.ts';
import { SpanRing } from './span-ring.ts';
import type { ShapeTable } from './span-shape.ts';
import { traceIdOf } from './trace-context.ts';
import { UsualDuration } from './usual-duration.ts';

/** Ended spans that a running first span holds on to. */
const HELD = 64;

export class TailKeep {
  readonly #kept: KeptTraces;
  readonly #ring: SpanRing;
  /** Turns a span into a record. */
  readonly #press: SpanRing;
  /** By index of the shape: what is usual for a name. */
  readonly #usual: (UsualDuration | undefined)[] = [];

  constructor(ring: SpanRing, shapes: ShapeTable, options: KeepOptions = {}) {
    this.#kept = new KeptTraces(options);
    this.#ring = ring;
    this.#press = new SpanRing(1, shapes);
  }

  /** A span that is not the first of its trace here has ended. */
  spanEnded(span: Span, toUnix: number): void {
    const { root } = span;
    if (root.ended) {
      if (root.kept && this.#kept.wants(span)) this.#kept.append(this.#recordOf(span, toUnix));
      return;
    }
    if (span.status === 2 && span.code !== 'cancelled') root.failedBelow ??= span.code;
    if (root.held < HELD) {
      root.held++;
      span.heldBefore = root.lastHeld;
      root.lastHeld = span;
    }
  }

  /** The first span of a trace in this process has ended; it is in the ring already. */
  rootEnded(span: Span, toUnix: number): void {
    const code = span.status === 2 ? span.code : span.failedBelow;
    const slow = this.#usualOf(span.shape.index).observe(span.endTime - span.startTime);
    if (code !== undefined || slow) this.#consider(span, code, toUnix);
    else if (this.#kept.size > 0 && this.#kept.wants(span)) this.#append(span, toUnix);
    span.lastHeld = undefined;
  }

  spansOf(traceId: string): readonly SpanRecord[] {
    return this.#kept.spansOf(traceId);
  }

  summaries(): Iterable<TraceSummary> {
    return this.#kept.summaries();
  }

  /** Traces and spans it holds. */
  get size(): { readonly traces: number; readonly spans: number } {
    return { traces: this.#kept.size, spans: this.#kept.spans };
  }

  #consider(span: Span, code: string | undefined, toUnix: number): void {
    const group = `${code ?? 'slow'} ${span.name}`;
    if (!this.#kept.admit(group, span.endTime)) return;
    const { startMs, durationMs, name, kind } = this.#recordOf(span, toUnix);
    const why = code === undefined ? ({ reason: 'slow' } as const) : ({ reason: 'error', code } as const);
    const summary = { traceId: traceIdOf(span), name, kind, startMs, durationMs, ...why };
    const earlier = [...this.#ring.find(span)].map((sequence) => this.#ring.read(sequence));
    const spans = [...this.#held(span, toUnix), ...earlier.filter((record) => record !== undefined)];
    this.#kept.keep(span, group, summary, spans);
    span.kept = true;
  }

  #append(span: Span, toUnix: number): void {
    for (const record of this.#held(span, toUnix)) this.#kept.append(record);
    span.kept = true;
  }

  /** The span and those below it that it held on to. */
  #held(span: Span, toUnix: number): SpanRecord[] {
    const records = [this.#recordOf(span, toUnix)];
    for (let next = span.lastHeld; next !== undefined; next = next.heldBefore)
      records.push(this.#recordOf(next, toUnix));
    return records;
  }

  #recordOf(span: Span, toUnix: number): SpanRecord {
    this.#press.write(span, toUnix);
    return this.#press.read(this.#press.next - 1)!;
  }

  #usualOf(index: number): UsualDuration {
    let usual = this.#usual[index];
    if (usual === undefined) {
      usual = new UsualDuration();
      this.#usual[index] = usual;
    }
    return usual;
  }
}
