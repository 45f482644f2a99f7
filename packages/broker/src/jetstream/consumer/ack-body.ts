/** What a client says about a delivered message, by the body of its acknowledgement. */

export type AckKind = 'ack' | 'nak' | 'progress' | 'next' | 'term' | 'unknown';

const ACK = Buffer.from('+ACK');
const OK = Buffer.from('+OK');
const NAK = Buffer.from('-NAK');
const PROGRESS = Buffer.from('+WPI');
const NEXT = Buffer.from('+NXT');
const TERM = Buffer.from('+TERM');
const WORD = 4;

/** The body lies in `bytes` from `start` to `end`. An empty one acknowledges. */
export function ackKindOf(bytes: Buffer, start: number, end: number): AckKind {
  const length = end - start;
  if (length === 0 || is(ACK, bytes, start, length) || is(OK, bytes, start, length)) return 'ack';
  if (begins(NEXT, bytes, start, length)) return 'next';
  if (begins(NAK, bytes, start, length)) return 'nak';
  if (is(PROGRESS, bytes, start, length)) return 'progress';
  return is(TERM, bytes, start, length) ? 'term' : 'unknown';
}

/** What stands behind `-NAK` or `+NXT`, as wire text. */
export function ackArgument(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start + WORD, end);
}

function is(word: Buffer, bytes: Buffer, start: number, length: number): boolean {
  return word.length === length && begins(word, bytes, start, length);
}

function begins(word: Buffer, bytes: Buffer, start: number, length: number): boolean {
  if (length < word.length) return false;
  for (let i = 0; i < word.length; i++) {
    if (bytes[start + i] !== word[i]) return false;
  }
  return true;
}
