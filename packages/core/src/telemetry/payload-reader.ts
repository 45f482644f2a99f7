/**
 * The part of a finished span that has no fixed size, as bytes: how they are laid out, and read again.
 *
 * A payload is a row of entries, each a tag and what belongs to it. Names are numbers of the name table (two bytes), or 0
 * and the text itself where the table had no room; texts are a length (two bytes) and UTF-8.
 */
import type { NameTable } from './name-table.ts';
import {
  type Attributes,
  type AttributeValue,
  type EventRecord,
  type LinkRecord,
  type SpanKind,
  spanKinds,
} from './span-record.ts';
import { spanIdOf, type TraceContext, traceIdOf } from './trace-context.ts';

export const TEXT = 1;
export const NUMBER = 2;
export const FALSE = 3;
export const TRUE = 4;
export const EVENT = 5;
export const LINK = 6;
export const CODE = 7;
export const MESSAGE = 8;
export const SHAPE = 9;
export const DROPPED = 10;

/** What a payload says of a span. */
export interface Payload {
  attributes: Record<string, AttributeValue>;
  events: EventRecord[];
  links: LinkRecord[];
  code: string | undefined;
  message: string | undefined;
  /** Of a span whose shape has no place in the table. */
  name: string | undefined;
  kind: SpanKind | undefined;
  dropped: number;
}

export class PayloadReader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  readonly #names: NameTable;
  readonly #end: number;
  #at: number;

  constructor(bytes: Buffer, view: DataView, names: NameTable, begin: number, end: number) {
    this.#bytes = bytes;
    this.#view = view;
    this.#names = names;
    this.#at = begin;
    this.#end = end;
  }

  read(): Payload {
    const payload: Payload = {
      attributes: {},
      events: [],
      links: [],
      code: undefined,
      message: undefined,
      name: undefined,
      kind: undefined,
      dropped: 0,
    };
    while (this.#at < this.#end) this.#entry(payload);
    return payload;
  }

  #entry(payload: Payload): void {
    const tag = this.#bytes[this.#at++]!;
    switch (tag) {
      case SHAPE:
        payload.kind = spanKinds[this.#bytes[this.#at++]!];
        payload.name = this.#text();
        break;
      case CODE:
        payload.code = this.#name();
        break;
      case MESSAGE:
        payload.message = this.#text();
        break;
      case DROPPED:
        payload.dropped = this.#view.getUint32(this.#at);
        this.#at += 4;
        break;
      case EVENT: {
        const timeMs = this.#number();
        payload.events.push({ name: this.#name(), timeMs, attributes: this.#counted() });
        break;
      }
      case LINK: {
        const context = this.#context();
        payload.links.push({
          traceId: traceIdOf(context),
          spanId: spanIdOf(context),
          attributes: this.#counted(),
        });
        break;
      }
      default:
        this.#attribute(tag, payload.attributes);
    }
  }

  #attribute(tag: number, into: Record<string, AttributeValue>): void {
    const key = this.#name();
    into[key] = tag === TEXT ? this.#text() : tag === NUMBER ? this.#number() : tag === TRUE;
  }

  #counted(): Attributes {
    const attributes: Record<string, AttributeValue> = {};
    for (let left = this.#bytes[this.#at++]!; left > 0; left--)
      this.#attribute(this.#bytes[this.#at++]!, attributes);
    return attributes;
  }

  #context(): TraceContext {
    const part = (index: number) => this.#view.getUint32(this.#at + 4 * index);
    const context = {
      ...{ trace0: part(0), trace1: part(1), trace2: part(2), trace3: part(3) },
      ...{ span0: part(4), span1: part(5), flags: 0 },
    };
    this.#at += 24;
    return context;
  }

  #number(): number {
    const value = this.#view.getFloat64(this.#at);
    this.#at += 8;
    return value;
  }

  #name(): string {
    const number = this.#view.getUint16(this.#at);
    this.#at += 2;
    return number === 0 ? this.#text() : this.#names.nameOf(number);
  }

  #text(): string {
    const length = this.#view.getUint16(this.#at);
    this.#at += 2 + length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}
