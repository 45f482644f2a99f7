/**
 * Buffers for outgoing bytes in two sizes. A connection holds one only between the first byte of a tick and the
 * write at its end, so that ten thousand idle connections hold none.
 */
export const SMALL_BUFFER = 4 * 1024;
export const LARGE_BUFFER = 64 * 1024;
const KEPT_SMALL = 256;
const KEPT_LARGE = 64;

export class BufferPool {
  readonly #small: Buffer[] = [];
  readonly #large: Buffer[] = [];

  /** A buffer of at least `size` bytes, with arbitrary content. */
  take(size: number): Buffer {
    if (size <= SMALL_BUFFER) return this.#small.pop() ?? Buffer.allocUnsafeSlow(SMALL_BUFFER);
    if (size <= LARGE_BUFFER) return this.#large.pop() ?? Buffer.allocUnsafeSlow(LARGE_BUFFER);
    return Buffer.allocUnsafeSlow(size);
  }

  /** Only for a buffer that nobody reads any more. */
  give(buffer: Buffer): void {
    if (buffer.length === SMALL_BUFFER && this.#small.length < KEPT_SMALL) this.#small.push(buffer);
    else if (buffer.length === LARGE_BUFFER && this.#large.length < KEPT_LARGE) this.#large.push(buffer);
  }
}
