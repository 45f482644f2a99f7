/**
 * The reply subject of a delivered message, to which its acknowledgement is sent:
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<time in ns>.<pending>`.
 *
 * Reading it is on the path of every acknowledgement: digits are read in place, and only the two names become strings.
 */

export const ACK_PREFIX = '$JS.ACK.';
const DOT = 0x2e;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
/** Tokens behind the consumer's name. */
const NUMBERS = 5;

/** What an acknowledgement says it is for. One instance is filled again and again by `readAckSubject`. */
export interface AckSubject {
  stream: string;
  consumer: string;
  /** NaN for what is not a number. */
  deliveries: number;
  streamSequence: number;
  consumerSequence: number;
}

export function createAckSubject(): AckSubject {
  return { stream: '', consumer: '', deliveries: 0, streamSequence: 0, consumerSequence: 0 };
}

/** @param timeUs when the message was stored, in µs since 1970. */
export function writeAckSubject(
  prefix: string,
  deliveries: number,
  streamSequence: number,
  consumerSequence: number,
  timeUs: number,
  pending: number,
): string {
  return `${prefix}${deliveries}.${streamSequence}.${consumerSequence}.${timeUs}000.${pending}`;
}

/** What comes before the numbers, for one consumer. */
export function ackPrefixOf(stream: string, consumer: string): string {
  return `${ACK_PREFIX}${stream}.${consumer}.`;
}

/** Fills `into`. False when the subject is none of an acknowledgement. */
export function readAckSubject(subject: string, into: AckSubject): boolean {
  if (!subject.startsWith(ACK_PREFIX)) return false;
  const streamEnd = subject.indexOf('.', ACK_PREFIX.length);
  const consumerEnd = streamEnd === -1 ? -1 : subject.indexOf('.', streamEnd + 1);
  if (consumerEnd === -1) return false;
  into.stream = subject.slice(ACK_PREFIX.length, streamEnd);
  into.consumer = subject.slice(streamEnd + 1, consumerEnd);

  let at = consumerEnd + 1;
  for (let token = 0; token < NUMBERS; token++) {
    let value = 0;
    const start = at;
    for (; at < subject.length && subject.charCodeAt(at) !== DOT; at++) {
      const code = subject.charCodeAt(at);
      value = code < DIGIT_0 || code > DIGIT_9 ? Number.NaN : value * 10 + (code - DIGIT_0);
    }
    if (at === start) return false;
    if (token === 0) into.deliveries = value;
    else if (token === 1) into.streamSequence = value;
    else if (token === 2) into.consumerSequence = value;
    const isLast = token === NUMBERS - 1;
    if (isLast !== (at === subject.length)) return false;
    at++;
  }
  return true;
}
