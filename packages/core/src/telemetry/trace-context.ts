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

const TRACEPARENT_LENGTH = 55;
const HYPHEN = 0x2d;
/** Where hyphens stand in a `traceparent`. */
const hyphens = [2, 35, 52];

/** Two digits for each byte: several times faster than `toString` and `padStart`. */
const hexOfByte = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** By character code; -1 for what is no lower-case hexadecimal digit. */
const digitOf = Int8Array.from({ length: 128 }, (_, code) =>
  '0123456789abcdef'.indexOf(String.fromCharCode(code)),
);

/**
 * Reads a `traceparent`. Undefined when it is not valid (§3.2.2: all-zero ids, version ff, a version 00 with more
 * behind it): the receiver then starts a new trace.
 */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text.length < TRACEPARENT_LENGTH) return undefined;
  for (const at of hyphens) if (text.charCodeAt(at) !== HYPHEN) return undefined;
  const version = readHex(text, 0, 2);
  if (version < 0 || version === 0xff) return undefined;
  if (text.length > TRACEPARENT_LENGTH && (version === 0 || text.charCodeAt(TRACEPARENT_LENGTH) !== HYPHEN))
    return undefined;
  const context = {
    trace0: readHex(text, 3, 11),
    trace1: readHex(text, 11, 19),
    trace2: readHex(text, 19, 27),
    trace3: readHex(text, 27, 35),
    span0: readHex(text, 36, 44),
    span1: readHex(text, 44, 52),
    flags: readHex(text, 53, 55),
  };
  const { trace0, trace1, trace2, trace3, span0, span1, flags } = context;
  const isHex = Math.min(trace0, trace1, trace2, trace3, span0, span1, flags) >= 0;
  return isHex && isValid(context) ? context : undefined;
}

export function formatTraceparent(context: TraceContext): string {
  return `00-${traceIdOf(context)}-${spanIdOf(context)}-${hexOfByte[context.flags & 0xff]}`;
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
  return (
    hexOfByte[value >>> 24]! +
    hexOfByte[(value >>> 16) & 0xff]! +
    hexOfByte[(value >>> 8) & 0xff]! +
    hexOfByte[value & 0xff]!
  );
}

/** The number of up to 8 digits from `start` to `end`; -1 when one of them is none. */
function readHex(text: string, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    const digit = code < 128 ? digitOf[code]! : -1;
    if (digit < 0) return -1;
    value = (value << 4) | digit;
  }
  return value >>> 0;
}
