/** A message as a stream keeps it. */
export interface StoredMessage {
  readonly sequence: number;
  /** When it was stored, in µs since 1970. Never decreases from one sequence to the next. */
  readonly timeUs: number;
  /** Wire text. */
  readonly subject: string;
  /** Header block, if there is one, and body behind it: what `Message.bytes` of the router wants. Immutable. */
  readonly payload: Buffer;
  /** Length of the header block at the front of `payload`; 0 when there is none. */
  readonly headerLength: number;
}
