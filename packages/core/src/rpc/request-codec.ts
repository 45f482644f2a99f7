/**
 * The body of a REQUEST: what a call carries beside its payload. Fields that are absent cost nothing; the frame's flags
 * say which are there.
 */
import { platformError } from '../errors/index.ts';
import { TRACE_BYTES } from '../telemetry/trace-context.ts';
import type { CallOptions, EndUser } from './channel.ts';
import { FLAG_KEY, FLAG_STREAM, FLAG_TRACE, FLAG_USER, HEAD_BYTES, REQUEST, readU32 } from './frame.ts';
import type { FrameWriter } from './frame-writer.ts';
import { OperationBytes, OperationTexts } from './operation-names.ts';

const NO_OPTIONS: CallOptions = {};
/** Deadline and the length of the operation's name. */
const FIXED_BYTES = 5;
const MAX_DEADLINE_MS = 0xffff_ffff;

/** Writes requests of one connection. */
export class RequestEncoder {
  readonly #operations = new OperationBytes();

  /**
   * Appends one REQUEST. Throws `invalid_argument` or `payload_too_large` before anything is written.
   *
   * @param maxFrame the peer's limit
   */
  write(
    writer: FrameWriter,
    callId: number,
    streaming: boolean,
    operation: string,
    payload: Uint8Array,
    options: CallOptions = NO_OPTIONS,
    maxFrame: number,
  ): void {
    const name = this.#operations.get(operation);
    if (name.length === 0 || name.length > 255) {
      throw notSent('invalid_argument', 'an operation name has 1 to 255 bytes');
    }
    let flags = streaming ? FLAG_STREAM : 0;
    let inline = FIXED_BYTES + name.length;
    const { trace } = options;
    if (trace !== undefined) {
      flags |= FLAG_TRACE;
      inline += TRACE_BYTES;
    }
    let user: Buffer | undefined;
    if (options.user !== undefined) {
      user = Buffer.from(JSON.stringify(options.user));
      if (user.length > 0xffff) {
        throw notSent(
          'payload_too_large',
          `the end user of ${operation} takes ${user.length} bytes; the most is 65535`,
        );
      }
      flags |= FLAG_USER;
      inline += 2 + user.length;
    }
    let key: Buffer | undefined;
    if (options.idempotencyKey !== undefined) {
      key = Buffer.from(options.idempotencyKey);
      if (key.length === 0 || key.length > 255) {
        throw notSent('invalid_argument', 'an idempotency key has 1 to 255 bytes');
      }
      flags |= FLAG_KEY;
      inline += 1 + key.length;
    }
    const length = HEAD_BYTES + inline + payload.length;
    if (length > maxFrame) {
      throw notSent(
        'payload_too_large',
        `the request to ${operation} takes ${length} bytes; its service accepts ${maxFrame}`,
      );
    }
    writer.begin(REQUEST, flags, callId, inline, payload.length);
    writer.u32(wireDeadline(options.deadlineMs));
    writer.u8(name.length);
    writer.bytes(name);
    if (trace !== undefined) {
      writer.u32(trace.trace0);
      writer.u32(trace.trace1);
      writer.u32(trace.trace2);
      writer.u32(trace.trace3);
      writer.u32(trace.span0);
      writer.u32(trace.span1);
      writer.u8(trace.flags);
    }
    if (user !== undefined) {
      writer.u16(user.length);
      writer.bytes(user);
    }
    if (key !== undefined) {
      writer.u8(key.length);
      writer.bytes(key);
    }
    writer.payload(payload);
  }
}

/** Whole milliseconds, rounded up so that a budget never turns into "none". */
function wireDeadline(deadlineMs: number | undefined): number {
  if (deadlineMs === undefined || deadlineMs === Number.POSITIVE_INFINITY) return 0;
  return Math.min(Math.max(Math.ceil(deadlineMs), 1), MAX_DEADLINE_MS);
}

function notSent(code: 'invalid_argument' | 'payload_too_large', message: string) {
  return platformError(code, message, { data: { executed: 'no' } });
}

/** Reads requests of one connection. Its fields are those of the request read last. */
export class RequestDecoder {
  readonly #operations = new OperationTexts();
  /** Milliseconds left when the caller wrote the request; 0 without a deadline. */
  deadlineMs = 0;
  operation = '';
  /** Where the trace context's bytes begin; 0 without one. */
  traceAt = 0;
  user: EndUser | undefined;
  idempotencyKey: string | undefined;
  /** Where the payload begins. It reaches to the end of the body. */
  payloadAt = 0;

  /** Reads a REQUEST's body, `bytes[start, end)`. Returns what is wrong with it, if anything. */
  read(flags: number, bytes: Buffer, start: number, end: number): string | undefined {
    if (flags > (FLAG_STREAM | FLAG_TRACE | FLAG_USER | FLAG_KEY)) return 'a request has unknown flags';
    if (end - start < FIXED_BYTES) return 'a request is shorter than its fixed fields';
    this.deadlineMs = readU32(bytes, start);
    const nameLength = bytes[start + 4]!;
    let at = start + FIXED_BYTES;
    if (nameLength === 0 || at + nameLength > end) return 'a request names no operation';
    this.operation = this.#operations.get(bytes, at, at + nameLength);
    at += nameLength;

    this.traceAt = 0;
    if ((flags & FLAG_TRACE) !== 0) {
      if (at + TRACE_BYTES > end) return 'a request is cut off in its trace context';
      this.traceAt = at;
      at += TRACE_BYTES;
    }

    this.user = undefined;
    if ((flags & FLAG_USER) !== 0) {
      if (at + 2 > end) return 'a request is cut off in its end user';
      const length = (bytes[at]! << 8) | bytes[at + 1]!;
      at += 2;
      if (at + length > end) return 'a request is cut off in its end user';
      this.user = parseUser(bytes.toString('utf8', at, at + length));
      if (this.user === undefined) return 'a request has an end user that is not {subject, scopes, claims?}';
      at += length;
    }

    this.idempotencyKey = undefined;
    if ((flags & FLAG_KEY) !== 0) {
      const length = at < end ? bytes[at]! : 0;
      at += 1;
      if (length === 0 || at + length > end) return 'a request is cut off in its idempotency key';
      this.idempotencyKey = bytes.toString('utf8', at, at + length);
      at += length;
    }
    this.payloadAt = at;
    return undefined;
  }
}

function parseUser(json: string): EndUser | undefined {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { subject, scopes, claims } = value as Partial<Record<keyof EndUser, unknown>>;
  if (typeof subject !== 'string' || !Array.isArray(scopes)) return undefined;
  if (!scopes.every((scope) => typeof scope === 'string')) return undefined;
  if (claims === undefined) return { subject, scopes };
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) return undefined;
  return { subject, scopes, claims: claims as Record<string, unknown> };
}
