/** What the two encodings of OTLP/HTTP have in common: both say the same messages of opentelemetry-proto. */
import type { Family } from '../family.ts';
import type { Attributes, SpanRecord } from '../span-record.ts';

export interface Encoding {
  readonly contentType: string;
  /** Begins an ExportTraceServiceRequest. */
  spans(resource: Attributes): SpanBatch;
  /** An ExportMetricsServiceRequest with the values of this moment, or undefined when there are none. */
  metrics(resource: Attributes, families: Iterable<Family>, times: MetricTimes): MetricBatch | undefined;
  /** What an Export…ServiceResponse says of items that were not taken; undefined when it says nothing. */
  partialSuccess(body: Buffer): PartialSuccess | undefined;
}

/** A request that grows span by span, so that no turn of the event loop is long. */
export interface SpanBatch {
  add(span: SpanRecord): void;
  finish(): Uint8Array;
}

export interface MetricBatch {
  readonly body: Uint8Array;
  /** Data points in it. */
  readonly points: number;
}

export interface MetricTimes {
  /** When counting began, Unix milliseconds. */
  readonly startMs: number;
  readonly nowMs: number;
}

export interface PartialSuccess {
  readonly rejected: number;
  readonly message: string;
}

/** The instrumentation scope of all that the platform itself records. */
export const scopeName = 'flotilla';

/** AggregationTemporality of all our metrics: values count from the start of the process. */
export const CUMULATIVE = 2;

/** Units in the code of UCUM, as OpenTelemetry wants them. */
const ucum: Readonly<Record<string, string>> = {
  seconds: 's',
  bytes: 'By',
  ratio: '1',
};

export function ucumUnit(unit: string): string {
  return ucum[unit] ?? '';
}

/** SpanFlags: the trace flags, and whether the parent is in another process (bit 9; bit 8 says that it is known). */
export function spanFlags({ sampled, localRoot, parentSpanId }: SpanRecord): number {
  const remote = localRoot && parentSpanId !== undefined ? 0x200 : 0;
  return (sampled ? 1 : 0) | 0x100 | remote;
}

/** Unix milliseconds with fractions as nanoseconds, in decimal: more digits than a double has. */
export function unixNano(milliseconds: number): string {
  let whole = Math.floor(milliseconds);
  let rest = Math.round((milliseconds - whole) * 1e6);
  if (rest === 1e6) {
    whole += 1;
    rest = 0;
  }
  return whole > 0 ? whole + String(rest).padStart(6, '0') : String(rest);
}
