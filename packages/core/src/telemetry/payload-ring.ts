/**
 * The part of finished spans that has no fixed size (attributes, events, links), as bytes in one buffer that is written
 * round and round. A payload is in one piece: it may run over into a margin behind the end, as far as which the front then
 * stays as it was.
 */
import type { NameTable } from './name-table.ts';
import {
  CODE,
  DROPPED,
  EVENT,
  FALSE,
  LINK,
  MESSAGE,
  NUMBER,
  type Payload,
  PayloadReader,
  SHAPE,
  TEXT,
  TRUE,
} from './payload-reader.ts';
import { type Span, SpanEvent, TEXT_LIMIT } from './span.ts';
import { type Attributes, type AttributeValue, spanKinds } from './span-record.ts';
import type { TraceContext } from './trace-context.ts';

/** The most one span may take; what does not fit is dropped and counted. */
const LARGEST = 16 * 1024;
/** Bytes of an entry beside its texts, at most. */
const FIXED = 40;

export class PayloadRing {
  readonly #size: number;
  readonly #names: NameTable;
  readonly #bytes: Buffer;
  readonly #view: DataView;
  /** Where the next payload begins, counted from the first byte ever; modulo the size it is a place in the buffer. */
  #head = 0;
  /** While writing: the place in the buffer, the limit of this payload, and what had no room. */
  #at = 0;
  #limit = 0;
  #dropped = 0;

  /** @param size bytes, beside the margin; at least 16 KiB. */
  constructor(size: number, names: NameTable) {
    this.#size = Math.max(size, LARGEST);
    this.#names = names;
    this.#bytes = Buffer.alloc(this.#size + LARGEST);
    this.#view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength);
  }

  get byteLength(): number {
    return this.#bytes.byteLength;
  }

  /** Where the next payload will begin. */
  get head(): number {
    return this.#head;
  }

  /** Whether the payload that began there is still whole. */
  holds(position: number): boolean {
    return position >= this.#head - this.#size;
  }

  /**
   * Writes what the span holds.
   *
   * @param toUnix what makes Unix milliseconds of the span's times.
   * @returns the number of bytes; 0 when there is nothing to say.
   */
  write(span: Span, toUnix: number): number {
    const begin = this.#head % this.#size;
    this.#at = begin;
    this.#limit = begin + LARGEST - FIXED;
    this.#dropped = span.dropped;
    if (span.code !== undefined) this.#code(span.code, span.message);
    if (span.shape.index === 0) this.#shape(span);
    const { attributes, details } = span;
    if (attributes !== undefined) {
      const end = span.attributeCount * 2;
      for (let index = 0; index < end; index += 2)
        this.#attribute(attributes[index] as string, attributes[index + 1]!);
    }
    if (details !== undefined) {
      for (const detail of details) {
        if (detail instanceof SpanEvent) this.#event(detail.name, detail.time + toUnix, detail.attributes);
        else this.#link(detail.context, detail.attributes);
      }
    }
    if (this.#dropped > 0) {
      this.#bytes[this.#at] = DROPPED;
      this.#view.setUint32(this.#at + 1, this.#dropped);
      this.#at += 5;
    }
    const length = this.#at - begin;
    this.#head += length;
    return length;
  }

  read(position: number, length: number): Payload {
    const begin = position % this.#size;
    return new PayloadReader(this.#bytes, this.#view, this.#names, begin, begin + length).read();
  }

  #shape({ shape }: Span): void {
    this.#bytes[this.#at] = SHAPE;
    this.#bytes[this.#at + 1] = spanKinds.indexOf(shape.kind);
    this.#at += 2;
    this.#text(shape.name);
    for (const key in shape.attributes) this.#attribute(key, shape.attributes[key]!);
  }

  #code(code: string, message: string | undefined): void {
    this.#bytes[this.#at++] = CODE;
    this.#name(code);
    if (message === undefined || !this.#hasRoom(message.length)) return;
    this.#bytes[this.#at++] = MESSAGE;
    this.#text(message);
  }

  #attribute(key: string, value: AttributeValue): boolean {
    const size = key.length + (typeof value === 'string' ? value.length : 0);
    if (!this.#hasRoom(size)) return false;
    const bytes = this.#bytes;
    if (typeof value === 'string') {
      bytes[this.#at++] = TEXT;
      this.#name(key);
      this.#text(value);
    } else if (typeof value === 'number') {
      bytes[this.#at++] = NUMBER;
      this.#name(key);
      this.#view.setFloat64(this.#at, value);
      this.#at += 8;
    } else {
      bytes[this.#at++] = value ? TRUE : FALSE;
      this.#name(key);
    }
    return true;
  }

  #event(name: string, unixMs: number, attributes: Attributes | undefined): void {
    if (!this.#hasRoom(name.length)) return;
    this.#bytes[this.#at] = EVENT;
    this.#view.setFloat64(this.#at + 1, unixMs);
    this.#at += 9;
    this.#name(name);
    this.#counted(attributes);
  }

  #link(context: TraceContext, attributes: Attributes | undefined): void {
    if (!this.#hasRoom(0)) return;
    const view = this.#view;
    const at = this.#at;
    this.#bytes[at] = LINK;
    view.setUint32(at + 1, context.trace0);
    view.setUint32(at + 5, context.trace1);
    view.setUint32(at + 9, context.trace2);
    view.setUint32(at + 13, context.trace3);
    view.setUint32(at + 17, context.span0);
    view.setUint32(at + 21, context.span1);
    this.#at = at + 25;
    this.#counted(attributes);
  }

  /** A byte that says how many attributes follow, and these. */
  #counted(attributes: Attributes | undefined): void {
    const countAt = this.#at++;
    let count = 0;
    for (const key in attributes) {
      if (count === 255) this.#dropped++;
      else if (this.#attribute(key, attributes[key]!)) count++;
    }
    this.#bytes[countAt] = count;
  }

  /** Whether an entry with texts of so many characters fits, three bytes for each at most. */
  #hasRoom(characters: number): boolean {
    if (this.#at + 3 * Math.min(characters, 2 * TEXT_LIMIT) + FIXED <= this.#limit) return true;
    this.#dropped++;
    return false;
  }

  #name(name: string): void {
    const number = this.#names.numberOf(name);
    this.#view.setUint16(this.#at, number);
    this.#at += 2;
    if (number === 0) this.#text(name);
  }

  #text(text: string): void {
    const bytes = this.#bytes;
    const begin = this.#at + 2;
    const length = text.length < TEXT_LIMIT ? text.length : TEXT_LIMIT;
    let index = 0;
    // Most texts are short and ASCII: a loop is cheaper than the way into the runtime.
    if (length <= 96) {
      while (index < length) {
        const code = text.charCodeAt(index);
        if (code > 127) break;
        bytes[begin + index++] = code;
      }
    }
    const written =
      index === length
        ? length
        : bytes.write(length < text.length ? text.slice(0, length) : text, begin, 3 * length, 'utf8');
    this.#view.setUint16(this.#at, written);
    this.#at = begin + written;
  }
}
