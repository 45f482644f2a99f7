/**
 * What waits to be sent to one client: encodes MSG and HMSG into pooled buffers, sends everything of a tick in one
 * write and knows how many bytes are on their way.
 *
 * Hot path: header text is written by hand, about 1 ns a byte; payloads up to 16 KiB are copied behind it (one
 * buffer, one write), larger ones go out from the memory they arrived in.
 */
import type { Message } from '../routing/message.ts';
import { type BufferPool, LARGE_BUFFER, SMALL_BUFFER } from './buffer-pool.ts';

/** The part of a socket that is needed here. */
export interface ByteSink {
  /** Bytes handed over that the operating system has not taken yet. */
  readonly writableLength: number;
  cork(): void;
  uncork(): void;
  write(bytes: Buffer, done: () => void): unknown;
}

const COPIED = 16 * 1024;
const BY_HAND = 64;
/** `HMSG`, separators, two sizes of up to nine digits, CRLF. */
const FIXED = 32;
const CR = 0x0d;
const LF = 0x0a;
const SPACE = 0x20;

export class Outbound {
  readonly #sink: ByteSink;
  readonly #pool: BufferPool;
  readonly #written: () => void;
  #buffer: Buffer | undefined;
  /** First byte of `#buffer` that is not in a segment yet, and first free byte. */
  #start = 0;
  #used = 0;
  readonly #segments: Buffer[] = [];
  #segmentBytes = 0;
  /** Full buffers behind the segments, to be reused when the write completes at once. */
  readonly #spent: Buffer[] = [];
  #lastVolume = 0;

  /** @param written called when the operating system has taken a write. */
  constructor(sink: ByteSink, pool: BufferPool, written: () => void) {
    this.#sink = sink;
    this.#pool = pool;
    this.#written = written;
  }

  /** Bytes waiting, here and in the socket. */
  get pending(): number {
    return this.queued + this.#sink.writableLength;
  }

  /** Bytes waiting for the next flush. */
  get queued(): number {
    return this.#segmentBytes + (this.#used - this.#start);
  }

  /** Size on the wire, for accounting before anything is queued. */
  static sizeOf(message: Message, sid: string): number {
    return FIXED + message.subject.length + sid.length + message.reply.length + (message.end - message.start);
  }

  /** Any text of one byte per character, with its CRLF. */
  text(wire: string): void {
    this.#reserve(wire.length);
    this.#ascii(wire);
  }

  /** @param headers whether the client understands headers; otherwise they are left out. */
  message(message: Message, sid: string, headers: boolean): void {
    const { subject, reply, headerLength } = message;
    const withHeaders = headerLength > 0 && headers;
    const start = headerLength > 0 && !headers ? message.start + headerLength : message.start;
    const size = message.end - start;
    const copied = size <= COPIED;
    this.#reserve(FIXED + subject.length + sid.length + reply.length + (copied ? size : 0));

    this.#ascii(withHeaders ? 'HMSG ' : 'MSG ');
    this.#word(subject);
    this.#word(sid);
    if (reply !== '') this.#word(reply);
    if (withHeaders) {
      this.#number(headerLength);
      this.#buffer![this.#used++] = SPACE;
    }
    this.#number(size);
    this.#crlf();
    if (copied) {
      this.#copy(message.bytes, start, message.end);
    } else {
      this.#seal();
      this.#segments.push(message.bytes.subarray(start, message.end));
      this.#segmentBytes += size;
      this.#reserve(2);
    }
    this.#crlf();
  }

  /** Hands everything to the socket in one write. */
  flush(): void {
    const buffer = this.#buffer;
    if (buffer === undefined) return;
    const sink = this.#sink;
    this.#lastVolume = this.queued;
    const tail = buffer.subarray(this.#start, this.#used);
    if (this.#segments.length === 0) {
      sink.write(tail, this.#written);
    } else {
      sink.cork();
      for (const segment of this.#segments) sink.write(segment, ignore);
      sink.write(tail, this.#written);
      sink.uncork();
      this.#segments.length = 0;
      this.#segmentBytes = 0;
    }
    // Nothing left in the socket means that the system call took it all and the memory is free again.
    if (sink.writableLength === 0) {
      this.#pool.give(buffer);
      for (const spent of this.#spent) this.#pool.give(spent);
    }
    this.#spent.length = 0;
    this.#buffer = undefined;
    this.#start = 0;
    this.#used = 0;
  }

  /** Forgets what has not been flushed. */
  discard(): void {
    this.#segments.length = 0;
    this.#segmentBytes = 0;
    this.#spent.length = 0;
    this.#buffer = undefined;
    this.#start = 0;
    this.#used = 0;
  }

  #reserve(size: number): void {
    const buffer = this.#buffer;
    if (buffer !== undefined) {
      if (buffer.length - this.#used >= size) return;
      this.#seal();
      this.#spent.push(buffer);
    }
    const first = buffer === undefined && this.#lastVolume <= SMALL_BUFFER;
    this.#buffer = this.#pool.take(Math.max(size, first ? SMALL_BUFFER : LARGE_BUFFER));
    this.#start = 0;
    this.#used = 0;
  }

  /** Turns what the current buffer holds into a segment. */
  #seal(): void {
    if (this.#used === this.#start) return;
    this.#segments.push(this.#buffer!.subarray(this.#start, this.#used));
    this.#segmentBytes += this.#used - this.#start;
    this.#start = this.#used;
  }

  #ascii(text: string): void {
    const buffer = this.#buffer!;
    let used = this.#used;
    for (let i = 0; i < text.length; i++) buffer[used++] = text.charCodeAt(i);
    this.#used = used;
  }

  #word(text: string): void {
    this.#ascii(text);
    this.#buffer![this.#used++] = SPACE;
  }

  #number(value: number): void {
    const buffer = this.#buffer!;
    let digits = 1;
    for (let rest = value; rest >= 10; rest = (rest / 10) | 0) digits++;
    let rest = value;
    for (let i = this.#used + digits - 1; i >= this.#used; i--) {
      const quotient = (rest / 10) | 0;
      buffer[i] = 0x30 + (rest - quotient * 10);
      rest = quotient;
    }
    this.#used += digits;
  }

  #crlf(): void {
    const buffer = this.#buffer!;
    buffer[this.#used++] = CR;
    buffer[this.#used++] = LF;
  }

  #copy(bytes: Buffer, start: number, end: number): void {
    const buffer = this.#buffer!;
    if (end - start > BY_HAND) {
      this.#used += bytes.copy(buffer, this.#used, start, end);
      return;
    }
    let used = this.#used;
    for (let i = start; i < end; i++) buffer[used++] = bytes[i]!;
    this.#used = used;
  }
}

function ignore(): void {}
