/** Where the messages of a consumer go: to those who ask (pull), or to one subject (push). */
import type { StoredMessage } from '../stream/stored-message.ts';

/** `later`: somebody wants it but cannot take it now. `nobody`: there is no one to take it. */
export type Sent = 'taken' | 'later' | 'nobody';

export interface Destination {
  /** Whether there is somebody to deliver to. */
  readonly isWanted: boolean;
  /** When it has to be looked at again, in ms; `Infinity` for never. */
  readonly deadline: number;
  send(message: StoredMessage, reply: string, now: number): Sent;
  /**
   * Deliveries have stopped: ends requests that are over and reminds clients that all is well.
   *
   * @param dry because there is nothing left to deliver.
   */
  settle(now: number, dry: boolean): void;
}

/** What counts towards limits in bytes, as the server counts. */
export function sizeOf(message: StoredMessage, reply: string): number {
  return message.subject.length + reply.length + message.payload.length;
}
