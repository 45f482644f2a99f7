/**
 * Bytes of one client connection → operations, for any chunking. No socket, no clock. Operations are calls on a
 * sink; the arguments of PUB and HPUB arrive in one reused `Message` whose payload is a slice of the received chunk
 * (or of one buffer of the announced size, when the payload spans chunks). Work is linear in the bytes received.
 *
 * Behaviour on malformed input is that of nats-server 2.9.10: some faults are answered with `-ERR`, others just
 * close the connection; see `ProtocolSink.violation`.
 */
import { Message } from '../routing/message.ts';
import { Arguments, mayBecomeCommand, type Verb, verbOf } from './control-line.ts';
import type { SubjectInterner } from './interner.ts';
import { ProtocolError } from './protocol-error.ts';

export interface ProtocolSink {
  connect(json: string): void;
  /** The message is only valid during the call, see `Message`. */
  publish(message: Message): void;
  subscribe(subject: string, queue: string, sid: string): void;
  /** `max` 0: at once; otherwise after that many messages in total. */
  unsubscribe(sid: string, max: number): void;
  ping(): void;
  pong(): void;
  /** The peer broke the protocol and must be disconnected; `text` is told to it first, if there is one. */
  violation(text: ProtocolError | undefined): void;
}

export interface ParserLimits {
  readonly maxControlLine: number;
  readonly maxPayload: number;
}

const CR = 0x0d;
const LF = 0x0a;
const LONGEST_VERB = 'connect '.length;

export class Parser {
  /** While set, anything but CONNECT is an authorization violation. */
  awaitingConnect = false;
  /** Whether the peer announced header support; HPUB is a violation otherwise. */
  headersEnabled = false;

  readonly #sink: ProtocolSink;
  readonly #limits: ParserLimits;
  readonly #subjects: SubjectInterner;
  readonly #arguments = new Arguments();
  readonly #message = new Message();
  #halted = false;

  /** An incomplete control line, kept until its end arrives. */
  #line: Buffer | undefined;
  #lineLength = 0;

  /** Payload size that is awaited, or -1 between messages. */
  #size = -1;
  /** Payload and its CRLF, gathered when they span chunks. */
  #gathered: Buffer | undefined;
  #gatheredLength = 0;

  constructor(sink: ProtocolSink, limits: ParserLimits, subjects: SubjectInterner) {
    this.#sink = sink;
    this.#limits = limits;
    this.#subjects = subjects;
  }

  /** Ignores all further input, for good. */
  halt(): void {
    this.#halted = true;
    this.#line = undefined;
    this.#gathered = undefined;
  }

  parse(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length && !this.#halted) {
      if (this.#size >= 0) position = this.#payload(chunk, position);
      else if (this.#lineLength > 0) position = this.#restOfLine(chunk, position);
      else position = this.#wholeLine(chunk, position);
    }
  }

  #violate(text: ProtocolError | undefined): void {
    this.halt();
    this.#sink.violation(text);
  }

  #wholeLine(chunk: Buffer, start: number): number {
    if (this.awaitingConnect && (chunk[start]! | 0x20) !== 0x63) {
      this.#violate(ProtocolError.authorizationViolation);
      return chunk.length;
    }
    let end = start;
    while (end < chunk.length && chunk[end] !== LF) end++;
    if (end < chunk.length) {
      this.#command(chunk, start, end);
      return end + 1;
    }
    this.#keep(chunk, start, end);
    return end;
  }

  #restOfLine(chunk: Buffer, start: number): number {
    const newline = chunk.indexOf(LF, start);
    if (!this.#keep(chunk, start, newline === -1 ? chunk.length : newline)) return chunk.length;
    if (newline === -1) return chunk.length;
    const length = this.#lineLength;
    this.#lineLength = 0;
    this.#command(this.#line!, 0, length);
    return newline + 1;
  }

  #keep(chunk: Buffer, start: number, end: number): boolean {
    const capacity = this.#limits.maxControlLine + LONGEST_VERB + 1;
    const length = this.#lineLength + (end - start);
    if (length > capacity) {
      const known = this.#lineLength > 0 || mayBecomeCommand(chunk, start, end);
      this.#violate(known ? ProtocolError.maximumControlLine : ProtocolError.unknownOperation);
      return false;
    }
    this.#line ??= Buffer.allocUnsafeSlow(capacity);
    chunk.copy(this.#line, this.#lineLength, start, end);
    this.#lineLength = length;
    if (!mayBecomeCommand(this.#line, 0, length)) {
      this.#violate(ProtocolError.unknownOperation);
      return false;
    }
    return true;
  }

  /** One control line, without its newline. */
  #command(bytes: Buffer, start: number, newline: number): void {
    const end = newline > start && bytes[newline - 1] === CR ? newline - 1 : newline;
    const verb = verbOf(bytes, start, end);
    if (verb === undefined) {
      this.#violate(ProtocolError.unknownOperation);
      return;
    }
    const from = start + verb.length;
    if (end - from > this.#limits.maxControlLine) this.#violate(ProtocolError.maximumControlLine);
    else if (!this.#execute(verb, bytes, from, end)) this.#violate(undefined);
  }

  /** False when the arguments are malformed. */
  #execute(verb: Verb, bytes: Buffer, from: number, end: number): boolean {
    switch (verb) {
      case 'pub':
        return this.#pub(bytes, from, end);
      case 'hpub':
        return this.#hpub(bytes, from, end);
      case 'sub':
        return this.#sub(bytes, from, end);
      case 'unsub':
        return this.#unsub(bytes, from, end);
      case 'ping':
        this.#sink.ping();
        return true;
      case 'pong':
        this.#sink.pong();
        return true;
      case 'connect':
        this.#sink.connect(bytes.toString('utf8', from, end));
        return true;
      case 'info':
        // nats-server takes INFO from a client and does nothing with it, as long as it is a JSON object.
        return isJsonObject(bytes.toString('utf8', from, end));
      case '+ok':
        return true;
      case '-err':
        return false;
    }
  }

  #pub(bytes: Buffer, from: number, end: number): boolean {
    const args = this.#arguments;
    args.split(bytes, from, end, false);
    if (args.count !== 2 && args.count !== 3) return false;
    const size = args.size(bytes, args.count - 1);
    if (size < 0) return false;
    this.#announce(bytes, args.count === 3, 0, size);
    return true;
  }

  #hpub(bytes: Buffer, from: number, end: number): boolean {
    const args = this.#arguments;
    args.split(bytes, from, end, false);
    if (!this.headersEnabled || (args.count !== 3 && args.count !== 4)) return false;
    const header = args.size(bytes, args.count - 2);
    const size = args.size(bytes, args.count - 1);
    if (header < 0 || header > size) return false;
    this.#announce(bytes, args.count === 4, header, size);
    return true;
  }

  #announce(bytes: Buffer, hasReply: boolean, headerLength: number, size: number): void {
    if (size > this.#limits.maxPayload) {
      this.#violate(ProtocolError.maximumPayload);
      return;
    }
    const args = this.#arguments;
    const message = this.#message;
    message.subject = this.#subjects.intern(bytes, args.starts[0]!, args.ends[0]!);
    message.reply = hasReply ? args.text(bytes, 1) : '';
    message.headerLength = headerLength;
    this.#size = size;
  }

  #payload(chunk: Buffer, start: number): number {
    const size = this.#size;
    if (this.#gathered === undefined) {
      if (chunk.length - start >= size + 2) {
        if (chunk[start + size] !== CR || chunk[start + size + 1] !== LF) {
          this.#violate(ProtocolError.unknownOperation);
          return chunk.length;
        }
        this.#deliver(chunk, start, start + size);
        return start + size + 2;
      }
      this.#gathered = Buffer.allocUnsafeSlow(size + 2);
      this.#gatheredLength = 0;
    }
    const gathered = this.#gathered;
    const taken = Math.min(chunk.length - start, size + 2 - this.#gatheredLength);
    chunk.copy(gathered, this.#gatheredLength, start, start + taken);
    this.#gatheredLength += taken;
    const wrongEnd =
      (this.#gatheredLength > size && gathered[size] !== CR) ||
      (this.#gatheredLength > size + 1 && gathered[size + 1] !== LF);
    if (wrongEnd) {
      this.#violate(ProtocolError.unknownOperation);
    } else if (this.#gatheredLength === size + 2) {
      this.#gathered = undefined;
      this.#deliver(gathered, 0, size);
    }
    return start + taken;
  }

  #deliver(bytes: Buffer, start: number, end: number): void {
    this.#size = -1;
    const message = this.#message;
    message.bytes = bytes;
    message.start = start;
    message.end = end;
    this.#sink.publish(message);
  }

  #sub(bytes: Buffer, from: number, end: number): boolean {
    const args = this.#arguments;
    args.split(bytes, from, end, true);
    if (args.count !== 2 && args.count !== 3) return false;
    const queue = args.count === 3 ? args.text(bytes, 1) : '';
    this.#sink.subscribe(args.text(bytes, 0), queue, args.text(bytes, args.count - 1));
    return true;
  }

  #unsub(bytes: Buffer, from: number, end: number): boolean {
    const args = this.#arguments;
    args.split(bytes, from, end, true);
    if (args.count !== 1 && args.count !== 2) return false;
    const max = args.count === 2 ? args.size(bytes, 1) : 0;
    this.#sink.unsubscribe(args.text(bytes, 0), Math.max(0, max));
    return true;
  }
}

function isJsonObject(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && !Array.isArray(value);
  } catch {
    return false;
  }
}
