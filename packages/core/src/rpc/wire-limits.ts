/** The bounds of a connection: what each end accepts, how long it waits, and how much it keeps in memory. */

export interface WireLimits {
  /** Largest frame this end accepts, in bytes after the length field. Announced in HELLO. Default 4 MiB. */
  readonly maxFrame: number;
  /** Items of one stream that may wait here to be read. Announced in HELLO. Default 64. */
  readonly window: number;
  /** Calls one connection may have in flight. The server's bound is announced in HELLO. Default 4096. */
  readonly maxInFlight: number;
  /**
   * Bytes that may wait to be sent. A caller refuses further calls with `overloaded`; a server stops reading from
   * that connection until the peer has taken half of them. Default 8 MiB; never less than what a socket buffers, 64 KiB.
   */
  readonly maxBacklog: number;
  /** Connections a server accepts, authenticated or not yet. Default 1024. */
  readonly maxConnections: number;
  /** Milliseconds a server waits for a complete handshake. Default 2000. */
  readonly handshakeMs: number;
  /** Milliseconds without a byte from the peer until it is asked for one. Default 5000. */
  readonly pingMs: number;
  /** Milliseconds without a byte from the peer until it counts as dead. Default 10 000. */
  readonly deadMs: number;
}

export const defaultLimits: WireLimits = {
  maxFrame: 4 * 1024 * 1024,
  window: 64,
  maxInFlight: 4096,
  maxBacklog: 8 * 1024 * 1024,
  maxConnections: 1024,
  handshakeMs: 2000,
  pingMs: 5000,
  deadMs: 10_000,
};
