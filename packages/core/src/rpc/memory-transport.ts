/**
 * The wire without sockets, for tests: the same connections over a pipe in memory. Frames are really encoded, chunked,
 * parsed and decoded, so that what works here works on a socket.
 */
import { Duplex } from 'node:stream';
import type { Transport } from './channel.ts';
import { type Acceptor, ConnectionServer } from './connection-server.ts';
import { openChannel } from './open-channel.ts';
import { neverExecuted } from './wire-errors.ts';

export interface MemoryTransportOptions {
  /**
   * Size of the next chunk in which bytes arrive, given how many wait: for tests of every way to cut a stream. Default: all
   * that wait.
   */
  readonly chunkSize?: (waiting: number) => number;
}

/** A world of its own: what listens on one memory transport is reached through that one only. */
export function memoryTransport(options: MemoryTransportOptions = {}): Transport {
  const servers = new Map<string, ConnectionServer>();
  let lastServer = 0;
  return {
    async listen(listenOptions) {
      const server = new ConnectionServer(listenOptions);
      const address = `memory:${++lastServer}`;
      const acceptor: Acceptor = {
        address,
        async stop() {
          servers.delete(address);
        },
      };
      servers.set(address, server);
      return server.startWith(acceptor);
    },
    async dial(dialOptions) {
      const server = servers.get(dialOptions.address);
      if (server === undefined) {
        throw neverExecuted(
          'unavailable',
          `${dialOptions.address} refuses connections: nothing listens there`,
        );
      }
      const [near, far] = memoryPipe(options.chunkSize);
      server.accept(far);
      return openChannel(near, dialOptions);
    },
  };
}

/** The two ends of a connection in memory. */
export function memoryPipe(chunkSize?: (waiting: number) => number): [Duplex, Duplex] {
  const left = new PipeEnd(chunkSize);
  const right = new PipeEnd(chunkSize);
  left.peer = right;
  right.peer = left;
  return [left, right];
}

class PipeEnd extends Duplex {
  peer: PipeEnd | undefined;
  readonly #chunkSize: ((waiting: number) => number) | undefined;
  /** Called when this end wants more bytes: the peer's write goes on. */
  #onHungry: (() => void) | undefined;

  constructor(chunkSize: ((waiting: number) => number) | undefined) {
    super({ allowHalfOpen: false });
    this.#chunkSize = chunkSize;
  }

  override _write(bytes: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    // A socket's bytes are copied by the kernel, and writers rely on it.
    const copy = Buffer.from(bytes);
    setImmediate(() => this.peer!.#deliver(copy, done));
  }

  override _read(): void {
    const onHungry = this.#onHungry;
    this.#onHungry = undefined;
    onHungry?.();
  }

  override _final(done: (error?: Error | null) => void): void {
    setImmediate(() => {
      if (!this.peer!.destroyed) this.peer!.push(null);
      done();
    });
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    const peer = this.peer!;
    setImmediate(() => {
      if (!peer.destroyed && !peer.readableEnded) peer.destroy();
    });
    const onHungry = this.#onHungry;
    this.#onHungry = undefined;
    onHungry?.();
    done(error);
  }

  #deliver(bytes: Buffer, done: () => void): void {
    let at = 0;
    while (at < bytes.length && !this.destroyed) {
      const size = Math.max(
        1,
        Math.min(this.#chunkSize?.(bytes.length - at) ?? bytes.length, bytes.length - at),
      );
      const more = this.push(bytes.subarray(at, at + size));
      at += size;
      if (!more && !this.destroyed) {
        const rest = bytes.subarray(at);
        this.#onHungry = () => this.#deliver(rest, done);
        return;
      }
    }
    done();
  }
}
