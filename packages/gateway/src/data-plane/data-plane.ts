/**
 * The border between HTTP as bytes and the gateway. A data plane owns sockets, parsing, framing and time-outs; it hands
 * over one canonical request per exchange and takes back status, headers and bytes. Nothing behind this interface
 * knows which HTTP implementation serves it.
 */
import type { FlotillaError } from 'flotilla';
import type { Limits } from '../limits.ts';
import type { CanonicalRequest } from '../request/canonical-request.ts';

export interface HttpResponse {
  readonly status: number;
  /** Names and values in turn, without framing headers. */
  readonly headers: readonly string[];
  readonly body?: Uint8Array;
}

/** One request and its response. */
export interface HttpExchange {
  readonly request: CanonicalRequest;
  readonly remoteAddress: string;
  /** Aborts when the client is gone before the response is complete. Created on first use. */
  readonly signal: AbortSignal;
  /**
   * Reads the whole body, telling the client to go on where it waits for that (RFC 9110 §10.1.1).
   *
   * @throws Refusal `payload_too_large` beyond `limit` bytes, before reading where the size is declared;
   * `deadline_exceeded` (408) when it is not complete within `timeoutMs`; `cancelled` when the client is gone.
   */
  readBody(limit: number, timeoutMs: number): Promise<Buffer>;
  /** Sends a complete response, once. A response to HEAD goes without its body. */
  respond(response: HttpResponse): void;
  /** Sends status and headers now, and the body as it is written. */
  startStream(status: number, headers: readonly string[]): ResponseStream;
  /** Cuts the connection without an answer. */
  cut(): void;
}

export interface ResponseStream {
  /** False when the client is gone: what is written then is dropped. */
  readonly open: boolean;
  /** @returns false when the client does not keep up: wait for `room()` before the next write. */
  write(chunk: string | Uint8Array): boolean;
  /** Settles when there is room again, or the client is gone. */
  room(): Promise<void>;
  end(): void;
  /** Cuts the connection. */
  destroy(): void;
}

/** What the gateway gives to a data plane. */
export interface ExchangeHandler {
  /** Serves one exchange. Must not throw. */
  handle(exchange: HttpExchange): void;
  /** The response to bytes that never became a canonical request. The connection closes after it. */
  refuse(error: FlotillaError, remoteAddress: string): HttpResponse;
}

export interface DataPlane {
  /**
   * @param port 0 for any free port.
   * @throws FlotillaError `conflict` when the port is taken.
   */
  listen(address: { readonly host: string; readonly port: number }): Promise<{
    readonly url: string;
    readonly port: number;
  }>;
  /** Accepts nothing new, waits at most `graceMs` for exchanges in progress, then closes. */
  drain(graceMs: number): Promise<void>;
  /** Closes everything now. */
  close(): Promise<void>;
  /** For injected faults: true, nothing is sent to any client; false, what has waited is. */
  hold(on: boolean): void;
  /** For injected faults: cuts all connections there are. */
  cutAll(): void;
}

export type CreateDataPlane = (handler: ExchangeHandler, limits: Limits) => DataPlane;
