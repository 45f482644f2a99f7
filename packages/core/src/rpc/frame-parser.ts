/**
 * Cuts a byte stream into frames, however the stream is chunked. A frame that lies within one chunk is handed on
 * where it is; only one that spans chunks is copied, once, into a buffer of its size.
 *
 * Hot path: no allocation per frame.
 */
import { HEAD_BYTES, LENGTH_BYTES, readU32 } from './frame.ts';

export interface FrameReceiver {
  /** One frame; its body is `bytes[start, end)`. Returns false to drop everything that follows. */
  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): boolean;
}

/** Why a byte stream cannot be cut into frames. */
export interface MalformedStream {
  readonly code: 'invalid_argument' | 'payload_too_large';
  readonly message: string;
}

export class FrameParser {
  /** Largest length field accepted. May change between frames. */
  maxFrame: number;
  readonly #lengthField = Buffer.alloc(LENGTH_BYTES);
  #lengthFilled = 0;
  /** The frame under way, without its length field, once its length is known and it spans chunks. */
  #partial: Buffer | undefined;
  #partialFilled = 0;

  constructor(maxFrame: number) {
    this.maxFrame = maxFrame;
  }

  /** Hands on every frame that `chunk` completes. A returned problem is final: the stream has lost its frame boundaries. */
  push(chunk: Buffer, receiver: FrameReceiver): MalformedStream | undefined {
    let at = 0;
    const size = chunk.length;
    while (at < size) {
      if (this.#partial !== undefined) {
        at = this.#fillPartial(chunk, at);
        if (this.#partialFilled < this.#partial.length) return undefined;
        const whole = this.#partial;
        this.#partial = undefined;
        if (!emit(receiver, whole, 0, whole.length)) return undefined;
        continue;
      }
      if (this.#lengthFilled > 0 || size - at < LENGTH_BYTES) {
        this.#lengthField[this.#lengthFilled++] = chunk[at++]!;
        if (this.#lengthFilled < LENGTH_BYTES) continue;
        this.#lengthFilled = 0;
        const length = readU32(this.#lengthField, 0);
        const problem = this.#check(length);
        if (problem !== undefined) return problem;
        this.#startPartial(length);
        continue;
      }
      const length = readU32(chunk, at);
      const problem = this.#check(length);
      if (problem !== undefined) return problem;
      at += LENGTH_BYTES;
      if (at + length > size) {
        this.#startPartial(length);
        continue;
      }
      if (!emit(receiver, chunk, at, at + length)) return undefined;
      at += length;
    }
    return undefined;
  }

  #check(length: number): MalformedStream | undefined {
    if (length > this.maxFrame) {
      return {
        code: 'payload_too_large',
        message: `a frame of ${length} bytes arrived; this end accepts ${this.maxFrame}`,
      };
    }
    if (length < HEAD_BYTES) {
      return {
        code: 'invalid_argument',
        message: `a frame says it has ${length} bytes; the least is ${HEAD_BYTES}`,
      };
    }
    return undefined;
  }

  #startPartial(length: number): void {
    this.#partial = Buffer.allocUnsafe(length);
    this.#partialFilled = 0;
  }

  #fillPartial(chunk: Buffer, at: number): number {
    const partial = this.#partial!;
    const take = Math.min(partial.length - this.#partialFilled, chunk.length - at);
    chunk.copy(partial, this.#partialFilled, at, at + take);
    this.#partialFilled += take;
    return at + take;
  }
}

function emit(receiver: FrameReceiver, bytes: Buffer, start: number, end: number): boolean {
  return receiver.frame(
    bytes[start]!,
    bytes[start + 1]!,
    readU32(bytes, start + 2),
    bytes,
    start + HEAD_BYTES,
    end,
  );
}
