/**
 * The last finished spans of a process, in memory of a fixed size: numbers in typed arrays, one slot after the other,
 * the oldest overwritten. A finished span leaves nothing on the heap.
 *
 * A span is named by its sequence number. It is gone when its slot has been taken again, or when the payloads behind it
 * (attributes, events) have taken the room of its own: whichever comes first.
 */
import { NameTable } from './name-table.ts';
import type { Payload } from './payload-reader.ts';
import { PayloadRing } from './payload-ring.ts';
import type { Span } from './span.ts';
import { type Attributes, type SpanRecord, spanStatuses } from './span-record.ts';
import type { ShapeTable } from './span-shape.ts';
import { spanIdOf, type TraceContext, traceIdOf } from './trace-context.ts';

/** Numbers of a slot: trace id (4), span id (2), parent's span id (2), shape and bits (1), bytes of payload (1). */
const NUMBERS = 10;
/** Times of a slot: start and duration; and where the payload begins, which needs more than 32 bits. */
const TIMES = 3;
const NAMES = 4096;
/** Room for payloads, by slot: about six attributes with short texts. */
const PAYLOAD_BYTES = 192;

const LOCAL_ROOT = 1 << 16;
const STATUS_SHIFT = 17;
const SAMPLED = 1 << 19;

const emptyPayload: Payload = {
  ...{ attributes: {}, events: [], links: [], dropped: 0 },
  ...{ code: undefined, message: undefined, name: undefined, kind: undefined },
};

export class SpanRing {
  readonly capacity: number;
  readonly #shapes: ShapeTable;
  readonly #names = new NameTable(NAMES);
  readonly #numbers: Uint32Array;
  readonly #times: Float64Array;
  readonly #payloads: PayloadRing;
  #next = 0;

  /** @param capacity how many spans it holds at most; rounded up to a power of two. */
  constructor(capacity: number, shapes: ShapeTable) {
    this.capacity = 2 ** Math.ceil(Math.log2(Math.max(1, capacity)));
    this.#shapes = shapes;
    this.#numbers = new Uint32Array(this.capacity * NUMBERS);
    this.#times = new Float64Array(this.capacity * TIMES);
    this.#payloads = new PayloadRing(this.capacity * PAYLOAD_BYTES, this.#names);
  }

  /** How many spans were ever written: the sequence number of the next. */
  get next(): number {
    return this.#next;
  }

  /** The lowest sequence number that may still be there. */
  get oldest(): number {
    return Math.max(0, this.#next - this.capacity);
  }

  /** Bytes of its arrays; they never grow. */
  get byteLength(): number {
    return this.#numbers.byteLength + this.#times.byteLength + this.#payloads.byteLength;
  }

  /** Names and keys it knows by number. */
  get names(): number {
    return this.#names.size;
  }

  /** @param toUnix what makes Unix milliseconds of the span's times. */
  write(span: Span, toUnix: number): void {
    const slot = this.#next++ & (this.capacity - 1);
    const numbers = this.#numbers;
    const times = this.#times;
    let at = slot * NUMBERS;
    numbers[at++] = span.trace0;
    numbers[at++] = span.trace1;
    numbers[at++] = span.trace2;
    numbers[at++] = span.trace3;
    numbers[at++] = span.span0;
    numbers[at++] = span.span1;
    numbers[at++] = span.parent0;
    numbers[at++] = span.parent1;
    numbers[at++] =
      span.shape.index |
      (span.root === span ? LOCAL_ROOT : 0) |
      (span.status << STATUS_SHIFT) |
      ((span.flags & 1) === 0 ? 0 : SAMPLED);
    const timesAt = slot * TIMES;
    times[timesAt] = span.startTime + toUnix;
    times[timesAt + 1] = span.endTime - span.startTime;
    times[timesAt + 2] = this.#payloads.head;
    numbers[at] = this.#payloads.write(span, toUnix);
  }

  /** The span with that sequence number, unless it is gone. */
  read(sequence: number): SpanRecord | undefined {
    const payload = this.#payloadOf(sequence);
    if (payload === undefined) return undefined;
    const slot = sequence & (this.capacity - 1);
    const bits = this.#numbers[slot * NUMBERS + 8]!;
    const shape = this.#shapes.at(bits & 0xffff);
    const context = this.#contextOf(slot, 4);
    const parent = this.#contextOf(slot, 6);
    const { code, message, dropped } = payload;
    const failure: Attributes = code === undefined ? {} : { 'error.type': code };
    return {
      traceId: traceIdOf(context),
      spanId: spanIdOf(context),
      ...((parent.span0 | parent.span1) === 0 ? {} : { parentSpanId: spanIdOf(parent) }),
      localRoot: (bits & LOCAL_ROOT) !== 0,
      sampled: (bits & SAMPLED) !== 0,
      name: payload.name ?? shape.name,
      kind: payload.kind ?? shape.kind,
      startMs: this.#times[slot * TIMES]!,
      durationMs: this.#times[slot * TIMES + 1]!,
      status: spanStatuses[(bits >>> STATUS_SHIFT) & 3]!,
      ...(message === undefined ? {} : { message }),
      attributes: { ...shape.attributes, ...payload.attributes, ...failure },
      events: payload.events,
      links: payload.links,
      ...(dropped === 0 ? {} : { dropped }),
    };
  }

  /** The sequence numbers of the spans of a trace, in the order they ended. */
  *find({ trace0, trace1, trace2, trace3 }: TraceContext): Iterable<number> {
    const numbers = this.#numbers;
    for (let sequence = this.oldest; sequence < this.#next; sequence++) {
      const at = (sequence & (this.capacity - 1)) * NUMBERS;
      if (
        numbers[at] === trace0 &&
        numbers[at + 1] === trace1 &&
        numbers[at + 2] === trace2 &&
        numbers[at + 3] === trace3
      )
        yield sequence;
    }
  }

  /** Whether the span began its trace in this process. */
  isLocalRoot(sequence: number): boolean {
    return (this.#numbers[(sequence & (this.capacity - 1)) * NUMBERS + 8]! & LOCAL_ROOT) !== 0;
  }

  #payloadOf(sequence: number): Payload | undefined {
    if (sequence < this.oldest || sequence >= this.#next) return undefined;
    const slot = sequence & (this.capacity - 1);
    const length = this.#numbers[slot * NUMBERS + 9]!;
    if (length === 0) return emptyPayload;
    const position = this.#times[slot * TIMES + 2]!;
    return this.#payloads.holds(position) ? this.#payloads.read(position, length) : undefined;
  }

  #contextOf(slot: number, spanAt: number): TraceContext {
    const part = (index: number) => this.#numbers[slot * NUMBERS + index]!;
    return {
      ...{ trace0: part(0), trace1: part(1), trace2: part(2), trace3: part(3) },
      ...{ span0: part(spanAt), span1: part(spanAt + 1), flags: 0 },
    };
  }
}
