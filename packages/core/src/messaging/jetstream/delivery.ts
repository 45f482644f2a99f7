/**
 * What the reply subject of a delivered message says of it (ADR-15 of NATS):
 * `$JS.ACK.<stream>.<consumer>.<deliveries>.<stream sequence>.<consumer sequence>.<nanoseconds>.<pending>`, and in the longer form
 * `$JS.ACK.<domain>.<account>.<stream>.…`, with a token at the end that means nothing.
 */

export interface Delivery {
  /** How often the message was delivered by this consumer, this time included. */
  readonly deliveries: number;
  readonly sequence: number;
  /** Of this delivery, counted by the consumer. */
  readonly consumerSequence: number;
  /** When the message was stored, in Unix milliseconds with a fraction. */
  readonly timeMs: number;
  /** Messages for this consumer behind this one. */
  readonly pending: number;
}

const shortForm = 9;

/** Undefined for what is not such a subject. */
export function readDelivery(reply: string): Delivery | undefined {
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK' || tokens.length < shortForm) return undefined;
  const at = tokens.length === shortForm ? 4 : 6;
  return {
    deliveries: Number(tokens[at]),
    sequence: Number(tokens[at + 1]),
    consumerSequence: Number(tokens[at + 2]),
    timeMs: Number(tokens[at + 3]) / 1e6,
    pending: Number(tokens[at + 4]),
  };
}
