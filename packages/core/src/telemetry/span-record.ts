/** A finished span as plain data: what the admin port answers, the CLI prints and the exporter sends. */

/** In the order of OTLP, whose numbers begin at 1. */
export const spanKinds = ['internal', 'server', 'client', 'producer', 'consumer'] as const;
export type SpanKind = (typeof spanKinds)[number];

export const spanStatuses = ['unset', 'ok', 'error'] as const;
export type SpanStatus = (typeof spanStatuses)[number];

export type AttributeValue = string | number | boolean;
export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface SpanRecord {
  /** 32 lower-case hexadecimal digits. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits. */
  readonly spanId: string;
  /** Absent: the first span of its trace. */
  readonly parentSpanId?: string;
  /** The first span of the trace in this process: its parent, if any, is in another one. */
  readonly localRoot: boolean;
  /** Whether the trace is sampled (the flag that travels); recorded here either way. */
  readonly sampled: boolean;
  readonly name: string;
  readonly kind: SpanKind;
  /** Unix time in milliseconds, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly status: SpanStatus;
  /** What went wrong, in words. */
  readonly message?: string;
  /** By OpenTelemetry's semantic conventions; a failed span has `error.type`. */
  readonly attributes: Attributes;
  readonly events: readonly EventRecord[];
  readonly links: readonly LinkRecord[];
  /** How many attributes, events and links had no room; absent when none. */
  readonly dropped?: number;
}

export interface EventRecord {
  readonly name: string;
  /** Unix time in milliseconds, with fractions. */
  readonly timeMs: number;
  readonly attributes: Attributes;
}

export interface LinkRecord {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Attributes;
}

/** A trace in one line, as its first span in this process tells it. */
export interface TraceSummary {
  readonly traceId: string;
  readonly name: string;
  readonly kind: SpanKind;
  /** Unix time in milliseconds, with fractions. */
  readonly startMs: number;
  readonly durationMs: number;
  /** Why it is told: it failed, it was slow, or it is merely recent. */
  readonly reason: 'error' | 'slow' | 'recent';
  /** The `error.type` of a failed one. */
  readonly code?: string;
  /** Spans of the trace that this process still has. */
  readonly spans: number;
}
