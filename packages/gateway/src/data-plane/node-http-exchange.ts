/** One exchange on `node:http`: reads the body within bounds, writes the response, notices when the client is gone. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { Refusal } from '../refusal.ts';
import type { CanonicalRequest } from '../request/canonical-request.ts';
import type { HttpExchange, HttpResponse, ResponseStream } from './data-plane.ts';
import type { ResponseGate } from './response-gate.ts';

/** What the data plane keeps about a connection. */
export interface ConnectionState {
  /** Requests whose responses are not complete; above 1 with pipelining. */
  inProgress: number;
  /** A response that ends the connection is decided: what the client has sent behind its request is not served. */
  closing: boolean;
}

/**
 * After an early response the rest of the body is thrown away for this long and this much before the connection
 * closes: a reset would take the response from a client that is still sending.
 */
const lingerMs = 2_000;
const lingerBytes = 16 * 1_048_576;

const noBody = Buffer.alloc(0);

export class NodeHttpExchange implements HttpExchange {
  readonly request: CanonicalRequest;
  readonly #incoming: IncomingMessage;
  readonly #outgoing: ServerResponse;
  readonly #connection: ConnectionState;
  readonly #gate: ResponseGate;
  #bodyPending: boolean;
  #abort: AbortController | undefined;

  constructor(
    request: CanonicalRequest,
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    connection: ConnectionState,
    gate: ResponseGate,
  ) {
    this.#gate = gate;
    this.#connection = connection;
    this.request = request;
    this.#incoming = incoming;
    this.#outgoing = outgoing;
    this.#bodyPending = request.bodyLength !== 0;
  }

  get remoteAddress(): string {
    return this.#incoming.socket.remoteAddress ?? '';
  }

  get signal(): AbortSignal {
    if (!this.#abort) {
      const abort = new AbortController();
      const gone = () => {
        if (!this.#outgoing.writableFinished) {
          abort.abort(new Refusal('cancelled', 'the client closed the connection'));
        }
      };
      if (this.#outgoing.closed) gone();
      else this.#outgoing.once('close', gone);
      this.#abort = abort;
    }
    return this.#abort.signal;
  }

  readBody(limit: number, timeoutMs: number): Promise<Buffer> {
    const { bodyLength, expectsContinue } = this.request;
    if (bodyLength === 0) return Promise.resolve(noBody);
    if (bodyLength > limit) return Promise.reject(tooLarge(limit));
    if (expectsContinue) this.#outgoing.writeContinue();
    const incoming = this.#incoming;
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = [];
      let size = 0;
      const onData = (chunk: Buffer) => {
        size += chunk.length;
        if (size > limit) fail(tooLarge(limit));
        else chunks.push(chunk);
      };
      const onEnd = () => {
        stop();
        this.#bodyPending = false;
        resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size));
      };
      const onGone = () => fail(new Refusal('cancelled', 'the client closed the connection'));
      const fail = (error: Refusal) => {
        stop();
        incoming.pause();
        reject(error);
      };
      const timer = setTimeout(
        () => fail(new Refusal('deadline_exceeded', 'the body did not arrive in time', { status: 408 })),
        timeoutMs,
      );
      const stop = () => {
        clearTimeout(timer);
        incoming.off('data', onData).off('end', onEnd).off('error', onGone).off('close', onGone);
      };
      incoming.on('data', onData).on('end', onEnd).on('error', onGone).on('close', onGone);
    });
  }

  respond(response: HttpResponse): void {
    this.#gate.pass(() =>
      send(this.#incoming, this.#outgoing, response, this.#connection, {
        close: false,
        bodyPending: this.#bodyPending,
      }),
    );
  }

  startStream(status: number, headers: readonly string[]): ResponseStream {
    const outgoing = this.#outgoing;
    const gate = this.#gate;
    gate.pass(() => {
      if (outgoing.destroyed) return;
      outgoing.writeHead(status, [...headers]);
      outgoing.flushHeaders();
    });
    return {
      get open() {
        return outgoing.writable && !outgoing.destroyed;
      },
      write: (chunk) => {
        if (gate.held) {
          gate.pass(() => this.#writable() && outgoing.write(chunk));
          return false;
        }
        return !this.#writable() || outgoing.write(chunk);
      },
      room: () =>
        new Promise((resolve) => {
          const done = () => {
            outgoing.off('drain', done).off('close', done);
            resolve();
          };
          outgoing.on('drain', done).on('close', done);
          if (!this.#writable()) done();
          else void gate.opened.then(() => outgoing.writableNeedDrain || done());
        }),
      end: () => gate.pass(() => outgoing.end()),
      destroy: () => outgoing.destroy(),
    };
  }

  cut(): void {
    resetSocket(this.#incoming.socket);
  }

  #writable(): boolean {
    return this.#outgoing.writable && !this.#outgoing.destroyed;
  }
}

/** Ends a connection as a crash does, with a TCP reset. */
export function resetSocket(socket: Socket): void {
  if (socket.remoteAddress === undefined) socket.destroy();
  else socket.resetAndDestroy();
}

/** Writes a complete response. With a body still on its way, the connection closes once that is dealt with. */
export function send(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  response: HttpResponse,
  connection: ConnectionState,
  { close, bodyPending }: { close: boolean; bodyPending: boolean },
): void {
  if (outgoing.destroyed || outgoing.headersSent) return;
  const { status, headers, body } = response;
  const unread = bodyPending && !incoming.complete;
  const head = [...headers];
  if (close || unread) {
    head.push('connection', 'close');
    connection.closing = true;
  }
  if (status !== 204 && status !== 304) head.push('content-length', String(body?.length ?? 0));
  outgoing.writeHead(status, head);
  if (!unread) {
    outgoing.end(body);
    return;
  }
  // With its length declared the response is complete for the client now; `end` only closes the connection.
  if (body) outgoing.write(body);
  else outgoing.flushHeaders();
  let discarded = 0;
  const finish = () => {
    clearTimeout(timer);
    incoming.off('data', discard);
    outgoing.end();
  };
  const discard = (chunk: Buffer) => {
    discarded += chunk.length;
    if (discarded > lingerBytes) finish();
  };
  const timer = setTimeout(finish, lingerMs);
  incoming.on('data', discard).once('end', finish).once('close', finish);
  incoming.on('error', () => {});
  incoming.resume();
}

function tooLarge(limit: number): Refusal {
  return new Refusal('payload_too_large', `the body is larger than ${limit} bytes`);
}
