/**
 * Bytes of a pipe to lines of bounded length. What exceeds the bound is dropped as it arrives and counted, so that a
 * process that never writes a newline costs no memory.
 */

import { StringDecoder } from 'node:string_decoder';

export const MAX_LINE_LENGTH = 64 * 1024;

export class LineSplitter {
  readonly #decoder = new StringDecoder('utf8');
  readonly #limit: number;
  #partial = '';
  #dropped = 0;

  /** @param limit Longest line, in UTF-16 units. */
  constructor(limit = MAX_LINE_LENGTH) {
    this.#limit = limit;
  }

  /** The lines completed by a chunk. */
  push(chunk: Uint8Array): string[] {
    const pieces = this.#decoder.write(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)).split('\n');
    const last = pieces.pop() ?? '';
    const lines: string[] = [];
    for (const piece of pieces) {
      this.#append(piece);
      lines.push(this.#take());
    }
    this.#append(last);
    return lines;
  }

  /** The line that the end of the pipe cut off, if any. */
  end(): string[] {
    this.#append(this.#decoder.end());
    return this.#partial === '' ? [] : [this.#take()];
  }

  #append(text: string): void {
    const room = this.#limit - this.#partial.length;
    this.#dropped += Math.max(0, text.length - room);
    this.#partial += text.length > room ? text.slice(0, room) : text;
  }

  #take(): string {
    const line = this.#partial.endsWith('\r') ? this.#partial.slice(0, -1) : this.#partial;
    const dropped = this.#dropped;
    this.#partial = '';
    this.#dropped = 0;
    return dropped === 0 ? line : `${line}… (${dropped} more characters dropped)`;
  }
}
