/**
 * The caller's end of a stream: items wait here, at most a window of them, until they are read. Reading gives the
 * server credit for more, half a window at a time.
 */
import type { FlotillaError } from '../errors/index.ts';

/** What the queue needs of its connection. */
export interface ItemSource {
  /** The reader has taken `count` items: the server may send as many more. */
  grant(callId: number, count: number): void;
  /** The reader has lost interest. */
  cancel(callId: number): void;
}

interface Reader {
  resolve(result: IteratorResult<Buffer>): void;
  reject(error: FlotillaError): void;
}

const DONE: IteratorResult<Buffer> = { value: undefined, done: true };

export class ItemQueue implements AsyncIterableIterator<Buffer> {
  readonly #callId: number;
  readonly #window: number;
  readonly #source: ItemSource;
  #items: Buffer[] = [];
  /** Index of the first item not read, so that reading is no `shift`. */
  #head = 0;
  readonly #readers: Reader[] = [];
  #taken = 0;
  #ended = false;
  #error: FlotillaError | undefined;

  constructor(callId: number, window: number, source: ItemSource) {
    this.#callId = callId;
    this.#window = window;
    this.#source = source;
  }

  /** Takes an item from the connection. Returns false when the server sends more than its credit. */
  push(item: Buffer): boolean {
    const reader = this.#readers.shift();
    if (reader !== undefined) {
      this.#took();
      reader.resolve({ value: item, done: false });
      return true;
    }
    if (this.#items.length - this.#head + this.#taken >= this.#window) return false;
    this.#items.push(item);
    return true;
  }

  /** The server has ended the stream: what waits can still be read, then comes `error`, if any. */
  finish(error: FlotillaError | undefined): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#error = error;
    for (const reader of this.#readers.splice(0)) this.#settle(reader);
  }

  /** This side has given the stream up: what waits is dropped. */
  abandon(error: FlotillaError | undefined): void {
    this.#items = [];
    this.#head = 0;
    this.finish(error);
  }

  next(): Promise<IteratorResult<Buffer>> {
    if (this.#head < this.#items.length) {
      const item = this.#items[this.#head]!;
      this.#head++;
      if (this.#head === this.#items.length) {
        this.#items = [];
        this.#head = 0;
      }
      this.#took();
      return Promise.resolve({ value: item, done: false });
    }
    return new Promise((resolve, reject) => {
      const reader = { resolve, reject };
      if (this.#ended) this.#settle(reader);
      else this.#readers.push(reader);
    });
  }

  return(): Promise<IteratorResult<Buffer>> {
    if (!this.#ended) this.#source.cancel(this.#callId);
    this.abandon(undefined);
    this.#error = undefined;
    return Promise.resolve(DONE);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** An error is reported to one reader; after it, the stream has simply ended. */
  #settle(reader: Reader): void {
    const error = this.#error;
    this.#error = undefined;
    if (error === undefined) reader.resolve(DONE);
    else reader.reject(error);
  }

  #took(): void {
    if (this.#ended) return;
    this.#taken++;
    if (this.#taken * 2 < this.#window) return;
    this.#source.grant(this.#callId, this.#taken);
    this.#taken = 0;
  }
}
