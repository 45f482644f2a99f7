/** One trace out of the parts of it that the processes of a fleet remember. Pure. */

import type { SpanRecord } from 'flotilla';
import type { Answer } from '../admin/admin-ports.ts';

/** A span, and where it was. */
export interface LocatedSpan extends SpanRecord {
  readonly service: string;
  readonly instance: string;
}

/** One of its place in the tree. */
export interface TracedSpan extends LocatedSpan {
  /** 0 for a span at the top. */
  readonly depth: number;
  /** Milliseconds after the first span began. */
  readonly offsetMs: number;
  /** It has a parent that no process remembers: one outside the fleet, or one that was overwritten. */
  readonly orphan: boolean;
}

export interface Trace {
  readonly traceId: string;
  /** Unix time in milliseconds. */
  readonly startMs: number;
  /** From the begin of the first span to the end of the last. */
  readonly durationMs: number;
  /** Each below its parent, in the order they began. */
  readonly spans: readonly TracedSpan[];
}

/** Undefined when no process has a span of it. */
export function assembleTrace(
  traceId: string,
  parts: readonly Answer<{ readonly spans: readonly SpanRecord[] }>[],
): Trace | undefined {
  const spans = new Map<string, LocatedSpan>();
  for (const { service, instance, body } of parts) {
    for (const span of body.spans) spans.set(span.spanId, { ...span, service, instance });
  }
  if (spans.size === 0) return undefined;
  const inTime = [...spans.values()].sort((a, b) => a.startMs - b.startMs);
  const startMs = inTime[0]?.startMs ?? 0;
  const endMs = Math.max(...inTime.map((span) => span.startMs + span.durationMs));
  const children = Map.groupBy(inTime, ({ parentSpanId }) => parentSpanId);
  const placed = new Map<string, TracedSpan>();
  const place = (span: LocatedSpan, depth: number): void => {
    if (placed.has(span.spanId)) return;
    const orphan = depth === 0 && span.parentSpanId !== undefined;
    placed.set(span.spanId, { ...span, depth, offsetMs: span.startMs - startMs, orphan });
    for (const child of children.get(span.spanId) ?? []) place(child, depth + 1);
  };
  for (const span of inTime) if (!spans.has(span.parentSpanId ?? '')) place(span, 0);
  // Spans that are each other's ancestors cannot come from a tracer; if they do, they are shown nevertheless.
  for (const span of inTime) place(span, 0);
  return { traceId, startMs, durationMs: endMs - startMs, spans: [...placed.values()] };
}
