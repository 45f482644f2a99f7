/**
 * Header blocks of NATS messages (ADR-4): a version line, then `name: value` lines, names compared as they are written. Written and
 * read here instead of by the client library, which builds a map of lists for each message: 0.2 µs instead of 2.8 to write nine of
 * them, 0.6 instead of 3.8 to read.
 */
import type { Msg, MsgHdrs } from '@nats-io/nats-core';
import type { MsgImpl } from '@nats-io/nats-core/internal';

const versionLine = 'NATS/1.0\r\n';

/** Lines that many messages have in common, to begin a block with. */
export function headerLines(entries: Iterable<readonly [name: string, value: string]>): string {
  let lines = '';
  for (const [name, value] of entries) lines += headerLine(name, value);
  return lines;
}

/** @param value without line breaks: see {@link encodeValue}. */
export function headerLine(name: string, value: string): string {
  return `${name}: ${value}\r\n`;
}

/** A block of complete lines. */
export function headerBlock(lines: string): Buffer {
  return Buffer.from(`${versionLine}${lines}\r\n`, 'latin1');
}

/** What the client library wants of headers when it publishes: their bytes. */
export function asHeaders(block: Uint8Array): MsgHdrs {
  return new EncodedHeaders(block) as unknown as MsgHdrs;
}

class EncodedHeaders {
  readonly #block: Uint8Array;
  constructor(block: Uint8Array) {
    this.#block = block;
  }
  encode(): Uint8Array {
    return this.#block;
  }
}

/** Text that may hold anything as a header value: percent-encoded where it is not printable ASCII (CloudEvents HTTP binding §3.1.3.2). */
export function encodeValue(text: string): string {
  return /^[\x21\x23\x24\x26-\x7e]*$/.test(text)
    ? text
    : text.replace(/[^\x21\x23\x24\x26-\x7e]+/gu, (part) => encodeURIComponent(part).replace(/"/g, '%22'));
}

/** The text of a value that {@link encodeValue} made; what is no valid encoding is taken as it is. */
export function decodeValue(value: string): string {
  if (!value.includes('%')) return value;
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/** Headers of a message that came: name and value by turns. */
export class ReceivedHeaders {
  readonly #fields: readonly string[];

  constructor(fields: readonly string[]) {
    this.#fields = fields;
  }

  get(name: string): string | undefined {
    for (let at = 0; at < this.#fields.length; at += 2)
      if (this.#fields[at] === name) return this.#fields[at + 1];
    return undefined;
  }

  *entries(): IterableIterator<[name: string, value: string]> {
    for (let at = 0; at < this.#fields.length; at += 2) yield [this.#fields[at]!, this.#fields[at + 1]!];
  }
}

export const noHeaders = new ReceivedHeaders([]);

/**
 * The header block of a message that the client library received, as it came: undefined when it has none. The library keeps it in
 * fields that its types show.
 */
export function blockOf(message: Msg): Uint8Array | undefined {
  const { _msg, _rdata } = message as MsgImpl;
  return _msg.hdr > 0 && _rdata ? _rdata.subarray(0, _msg.hdr) : undefined;
}

export function headersOf(message: Msg): ReceivedHeaders {
  const block = blockOf(message);
  return block ? readHeaderBlock(block) : noHeaders;
}

/** The status code of a message that the server itself sent; 0 for any other. */
export function statusOf(message: Msg): number {
  const { _msg, _rdata } = message as MsgImpl;
  // `NATS/1.0 503…`: a block without a status has a line break at once.
  if (_msg.hdr <= 0 || !_rdata || _rdata[8] !== 0x20) return 0;
  return Number(Buffer.from(_rdata.buffer, _rdata.byteOffset + 9, 3).toString('latin1')) || 0;
}

/** Reads a block. A line without a colon is left out. */
export function readHeaderBlock(block: Uint8Array): ReceivedHeaders {
  const text = Buffer.from(block.buffer, block.byteOffset, block.byteLength).toString('utf8');
  const fields: string[] = [];
  let from = text.indexOf('\r\n') + 2;
  while (from > 1 && from < text.length) {
    const end = text.indexOf('\r\n', from);
    const stop = end < 0 ? text.length : end;
    const colon = text.indexOf(':', from);
    if (colon > from && colon < stop) {
      fields.push(text.slice(from, colon), text.slice(colon + 1, stop).trim());
    }
    if (end < 0) break;
    from = end + 2;
  }
  return new ReceivedHeaders(fields);
}
