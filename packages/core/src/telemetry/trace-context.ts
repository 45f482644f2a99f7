/**
 * W3C trace context as the numbers it is made of: between spans, requests and the wire it travels without ever being
 * text. The text form (`00-<32 hex>-<16 hex>-<2 hex>`, Trace Context §3.2) exists at the edges only.
 */

/** A 128-bit trace id, a 64-bit span id and flags; each part an unsigned 32-bit number, most significant first. */
export interface TraceContext {
  readonly trace0: number;
  readonly trace1: number;
  readonly trace2: number;
  readonly trace3: number;
  readonly span0: number;
  readonly span1: number;
  /** Bit 0: sampled. */
  readonly flags: number;
}

/** Bytes of a context on the wire: trace id, span id, flags. */
export const TRACE_BYTES = 25;

const traceparentPattern = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/**
 * Reads a `traceparent`. Undefined when it is not valid (§3.2.2: all-zero ids, version ff, a version 00 with more
 * behind it): the receiver then starts a new trace.
 */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  const match = text === undefined ? null : traceparentPattern.exec(text);
  if (!match) return undefined;
  const [, version = '', trace = '', span = '', flags = '', more] = match;
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined;
  const part = (hex: string, at: number) => Number.parseInt(hex.slice(at, at + 8), 16);
  const context = {
    trace0: part(trace, 0),
    trace1: part(trace, 8),
    trace2: part(trace, 16),
    trace3: part(trace, 24),
    span0: part(span, 0),
    span1: part(span, 8),
    flags: Number.parseInt(flags, 16),
  };
  return isValid(context) ? context : undefined;
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${traceIdOf(context)}-${spanIdOf(context)}-${(context.flags & 0xff).toString(16).padStart(2, '0')}`;
}

/** 32 lower-case hexadecimal digits. */
export function traceIdOf({ trace0, trace1, trace2, trace3 }: TraceContext): string {
  return hex8(trace0) + hex8(trace1) + hex8(trace2) + hex8(trace3);
}

/** 16 lower-case hexadecimal digits. */
export function spanIdOf({ span0, span1 }: TraceContext): string {
  return hex8(span0) + hex8(span1);
}

/** Reads the 25 bytes at `at`. Undefined when an id is zero. */
export function readTraceContext(bytes: Buffer, at: number): TraceContext | undefined {
  const context = {
    trace0: bytes.readUInt32BE(at),
    trace1: bytes.readUInt32BE(at + 4),
    trace2: bytes.readUInt32BE(at + 8),
    trace3: bytes.readUInt32BE(at + 12),
    span0: bytes.readUInt32BE(at + 16),
    span1: bytes.readUInt32BE(at + 20),
    flags: bytes[at + 24]!,
  };
  return isValid(context) ? context : undefined;
}

function isValid({ trace0, trace1, trace2, trace3, span0, span1 }: TraceContext): boolean {
  return (trace0 | trace1 | trace2 | trace3) !== 0 && (span0 | span1) !== 0;
}

function hex8(value: number): string {
  return value.toString(16).padStart(8, '0');
}
