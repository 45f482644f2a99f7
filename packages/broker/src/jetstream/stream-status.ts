/** What a broker tells operators of its streams and of who reads them. */

export interface StreamStatus {
  readonly name: string;
  /** Messages that are stored, and the bytes that they count for in limits. */
  readonly messages: number;
  readonly bytes: number;
  /** Of the newest message, stored or not any more; 0 before the first. */
  readonly lastSequence: number;
  /** In the order of their names. */
  readonly consumers: readonly ConsumerStatus[];
}

export interface ConsumerStatus {
  readonly name: string;
  /** Whether it stays when nobody uses it. */
  readonly isDurable: boolean;
  /** Messages that it has not delivered yet; undefined while they are being counted. */
  readonly pending: number | undefined;
  /** Delivered, and not acknowledged yet. */
  readonly ackPending: number;
  /** Of these, delivered more than once. */
  readonly redelivered: number;
  /** Requests for messages that wait for some. */
  readonly waiting: number;
}
