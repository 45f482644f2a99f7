/** For the tests of the wire: identities, conditions to wait for, and a peer that speaks in raw frames. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import type { WireIdentity } from './channel.ts';
import { AUTH, GOAWAY, HELLO, PING, PONG, REQUEST, RESPONSE } from './frame.ts';
import { FrameParser, type FrameReceiver } from './frame-parser.ts';
import { decodeGoAway, type GoAway } from './go-away.ts';
import { parseClientHello, parseServerHello, proofOf } from './handshake.ts';

export function identityOf(instance: string, key = 1): WireIdentity {
  return { service: instance.replace(/-\d+$/, ''), instance, key: Buffer.alloc(32, key) };
}

/** Waits until `condition` holds; fails with `what` after `timeoutMs`. */
export async function until(condition: () => boolean, what: string, timeoutMs = 10_000): Promise<void> {
  const end = performance.now() + timeoutMs;
  for (let turn = 0; !condition(); turn++) {
    if (performance.now() > end) assert.fail(`did not happen in ${timeoutMs} ms: ${what}`);
    if (turn < 50) await new Promise((resolve) => setImmediate(resolve));
    else await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

export interface RawFrame {
  readonly type: number;
  readonly flags: number;
  readonly callId: number;
  readonly body: Buffer;
}

export function rawFrame(type: number, callId = 0, body: Uint8Array | string = '', flags = 0): Buffer {
  const bytes = Buffer.from(body);
  const head = Buffer.alloc(10);
  head.writeUInt32BE(6 + bytes.length, 0);
  head[4] = type;
  head[5] = flags;
  head.writeUInt32BE(callId, 6);
  return Buffer.concat([head, bytes]);
}

/** The body of a REQUEST without optional fields. */
export function rawRequest(
  callId: number,
  operation: string,
  payload = '',
  deadlineMs = 0,
  flags = 0,
): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(deadlineMs, 0);
  head[4] = Buffer.byteLength(operation);
  return rawFrame(REQUEST, callId, Buffer.concat([head, Buffer.from(operation + payload)]), flags);
}

/** One end of a connection that sends what it is told, and keeps what it receives. */
export class RawPeer implements FrameReceiver {
  readonly stream: Duplex;
  readonly frames: RawFrame[] = [];
  /** The stream has ended or broken. */
  gone = false;
  readonly #parser = new FrameParser(64 * 1024 * 1024);

  constructor(stream: Duplex) {
    this.stream = stream;
    stream.on('data', (chunk: Buffer) => assert.equal(this.#parser.push(chunk, this), undefined));
    stream.on('error', () => {});
    stream.on('end', () => {
      this.gone = true;
    });
    stream.on('close', () => {
      this.gone = true;
    });
  }

  frame(type: number, flags: number, callId: number, bytes: Buffer, start: number, end: number): boolean {
    this.frames.push({ type, flags, callId, body: Buffer.from(bytes.subarray(start, end)) });
    return true;
  }

  send(...frames: Uint8Array[]): void {
    if (!this.stream.destroyed) this.stream.write(Buffer.concat(frames));
  }

  /** The first frame of a type, when it has come. */
  async next(type: number, callId?: number): Promise<RawFrame> {
    const match = (frame: RawFrame) =>
      frame.type === type && (callId === undefined || frame.callId === callId);
    await until(() => this.frames.some(match), `a frame of type ${type} arrives`);
    return this.frames.find(match)!;
  }

  async goAway(): Promise<GoAway> {
    return decodeGoAway((await this.next(GOAWAY)).body);
  }

  /** Waits until the other end has closed. */
  async closed(): Promise<void> {
    await until(() => this.gone, 'the connection closes');
  }

  /** Authenticates as a caller. */
  async joinAsClient(identity: WireIdentity, hello: Record<string, unknown> = {}): Promise<void> {
    const clientNonce = 'raw-client-nonce-0123456789';
    const { service, instance } = identity;
    this.send(
      rawFrame(
        HELLO,
        0,
        JSON.stringify({
          protocol: 1,
          service,
          instance,
          nonce: clientNonce,
          maxFrame: 1 << 22,
          window: 64,
          ...hello,
        }),
      ),
    );
    const server = parseServerHello((await this.next(HELLO)).body);
    const transcript = { clientNonce, serverNonce: server.nonce, client: identity, server };
    const proof = proofOf(identity.key, 'client', transcript).toString('base64url');
    this.send(rawFrame(AUTH, 0, JSON.stringify({ proof })));
  }

  /** Authenticates as a server. */
  async joinAsServer(identity: WireIdentity, hello: Record<string, unknown> = {}): Promise<void> {
    await this.greetAsServer(identity, hello);
    await this.next(AUTH);
  }

  /** A server's half of the handshake, whatever the caller makes of it. */
  async greetAsServer(identity: WireIdentity, hello: Record<string, unknown> = {}): Promise<void> {
    const client = parseClientHello((await this.next(HELLO)).body);
    const serverNonce = 'raw-server-nonce-0123456789';
    const { service, instance } = identity;
    const transcript = { clientNonce: client.nonce, serverNonce, client, server: identity };
    const proof = proofOf(identity.key, 'server', transcript).toString('base64url');
    this.send(
      rawFrame(
        HELLO,
        0,
        JSON.stringify({
          protocol: 1,
          service,
          instance,
          nonce: serverNonce,
          maxFrame: 1 << 22,
          maxInFlight: 100,
          proof,
          ...hello,
        }),
      ),
    );
  }

  /** Resolves once everything sent so far has been handled by the other end, or it has closed. */
  async settled(): Promise<void> {
    const marker = Buffer.from(`mark${String(this.frames.length).padStart(4, '0')}`);
    this.send(rawFrame(PING, 0, marker));
    await until(
      () => this.gone || this.frames.some(({ type, body }) => type === PONG && body.equals(marker)),
      'the peer answers a ping or closes',
    );
  }

  async response(callId: number): Promise<string> {
    return String((await this.next(RESPONSE, callId)).body);
  }

  async hangUp(): Promise<void> {
    if (this.stream.destroyed) return;
    const closed = once(this.stream, 'close');
    this.stream.destroy();
    await closed;
  }
}
