/**
 * W3C trace context between its text form (`00-<32 hex>-<16 hex>-<2 hex>`, Trace Context §3.2) and the 25 bytes it
 * takes on the wire: trace id, span id, flags.
 */

export const TRACE_BYTES = 25;
const TEXT_LENGTH = 55;
const DASH = 0x2d;

/** Value of each lower-case hexadecimal digit by character code; 16 for anything else (the text form is lower case). */
const digit = new Uint8Array(128).fill(16);
for (let value = 0; value < 16; value++) digit[value.toString(16).charCodeAt(0)] = value;

/**
 * Writes the 25 bytes at the beginning of `target`. Returns false, with `target` in any state, when the text is no
 * valid version 00 context: the recommendation has a receiver then start a new trace.
 */
export function encodeTraceparent(text: string, target: Uint8Array): boolean {
  if (text.length !== TEXT_LENGTH || text.charCodeAt(0) !== 0x30 || text.charCodeAt(1) !== 0x30) return false;
  if (text.charCodeAt(2) !== DASH || text.charCodeAt(35) !== DASH || text.charCodeAt(52) !== DASH)
    return false;
  return (
    encodeHex(text, 3, target, 0, 16) > 0 &&
    encodeHex(text, 36, target, 16, 8) > 0 &&
    encodeHex(text, 53, target, 24, 1) >= 0
  );
}

/** The sum of the bytes written, so that an all-zero id (invalid, §3.2.2) shows; -1 for a character that is no digit. */
function encodeHex(text: string, from: number, target: Uint8Array, at: number, count: number): number {
  let sum = 0;
  for (let index = 0; index < count; index++) {
    const high = digit[text.charCodeAt(from + index * 2)] ?? 16;
    const low = digit[text.charCodeAt(from + index * 2 + 1)] ?? 16;
    if ((high | low) > 15) return -1;
    const value = (high << 4) | low;
    target[at + index] = value;
    sum += value;
  }
  return sum;
}

/** The text form of the 25 bytes at `at`. */
export function decodeTraceparent(bytes: Buffer, at: number): string {
  const hex = bytes.toString('hex', at, at + TRACE_BYTES);
  return `00-${hex.slice(0, 32)}-${hex.slice(32, 48)}-${hex.slice(48)}`;
}
