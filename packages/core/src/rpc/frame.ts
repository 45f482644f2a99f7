/**
 * The frame, the unit of the wire: `u32 length · u8 type · u8 flags · u32 callId · body`, big-endian; `length` counts
 * what comes after itself. docs/wire.md is the specification.
 */

export const HELLO = 1;
export const AUTH = 2;
export const REQUEST = 3;
export const RESPONSE = 4;
export const ERROR = 5;
export const ITEM = 6;
export const END = 7;
export const WINDOW = 8;
export const CANCEL = 9;
export const PING = 10;
export const PONG = 11;
export const GOAWAY = 12;

/** Bytes of the length field. */
export const LENGTH_BYTES = 4;
/** Bytes between the length field and the body. */
export const HEAD_BYTES = 6;
/** Bytes of a frame with an empty body. */
export const FRAME_OVERHEAD = LENGTH_BYTES + HEAD_BYTES;

/** Largest frame an end accepts before the peer has authenticated, whatever its own limit. */
export const MAX_HANDSHAKE_FRAME = 4096;
/** No end may announce a smaller `maxFrame`: handshake, errors and go-away must always fit. */
export const MIN_MAX_FRAME = 4096;
/** Call ids are u32; the last one. */
export const MAX_CALL_ID = 0xffff_ffff;

/** REQUEST: the caller expects a stream. */
export const FLAG_STREAM = 1;
/** REQUEST: a trace context is present. */
export const FLAG_TRACE = 2;
/** REQUEST: an end user is present. */
export const FLAG_USER = 4;
/** REQUEST: an idempotency key is present. */
export const FLAG_KEY = 8;
/** RESPONSE: the stored result of an earlier identical call. */
export const FLAG_REPLAYED = 1;

/** Reads an unsigned 32-bit big-endian number. Buffer's own reader re-checks bounds that the parser has proven. */
export function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

/** Writes an unsigned 32-bit big-endian number. */
export function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}
