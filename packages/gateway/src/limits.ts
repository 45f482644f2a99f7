/** The bounds within which the gateway serves, each with the harm that it prevents. */
import { z } from 'zod';

const whole = (otherwise: number) => z.int().positive().default(otherwise);

export const Limits = z.strictObject({
  /** Bytes of a request body; beyond it 413. */
  bodyBytes: whole(1_048_576),
  /** Bytes of request line and headers together; beyond it 431. */
  headerBytes: whole(16_384),
  /** Header fields; beyond it 431. */
  headerCount: whole(100),
  /** Bytes of the request target; beyond it 414. */
  uriBytes: whole(8_192),
  /** Time for the complete request head, in milliseconds: a client that trickles headers holds a socket no longer. */
  headerTimeoutMs: whole(10_000),
  /** Time for the complete request with its body, in milliseconds. */
  requestTimeoutMs: whole(30_000),
  /** How long an idle keep-alive connection is held, in milliseconds. */
  idleTimeoutMs: whole(60_000),
  /** Connections at once; those beyond are closed. */
  connections: whole(10_000),
  /** Requests in progress at once, streams not counted; beyond it `overloaded`. */
  requests: whole(5_000),
  /** Open streams at once; beyond it `overloaded`. */
  streams: whole(5_000),
  /** A client that takes no bytes of its response for this long, in milliseconds, is cut off. */
  stalledMs: whole(30_000),
});
export type Limits = z.infer<typeof Limits>;
