/** What a consumer causes outside of itself. Implemented by the rim; written down by tests. */
import type { StoredMessage } from '../stream/stored-message.ts';

/**
 * What became of a message that was offered to an inbox: taken; nobody is subscribed; or the client has so much waiting
 * for it that the message should wait here, and the consumer is run again when there is room.
 */
export type Delivery = 'taken' | 'nobody' | 'saturated';

/** Events that operators and clients can subscribe to, under their names on the wire. */
export type ConsumerEvent =
  | {
      readonly kind: 'nak' | 'terminated';
      readonly consumerSequence: number;
      readonly streamSequence: number;
      readonly deliveries: number;
    }
  | { readonly kind: 'max_deliver'; readonly streamSequence: number; readonly deliveries: number }
  | {
      readonly kind: 'acknowledged';
      readonly consumerSequence: number;
      readonly streamSequence: number;
      readonly deliveries: number;
      /** Time since the last delivery, in ms. */
      readonly delay: number;
    };

export interface ConsumerOutput {
  /** @param reply where the acknowledgement goes. */
  deliver(inbox: string, message: StoredMessage, reply: string): Delivery;
  /** @param head a header block; see `Status`. @param reply empty when no answer is wanted. */
  status(inbox: string, head: string, reply: string): void;
  /** Whether anybody would get what is sent there. */
  hasInterest(inbox: string): boolean;
  /** Answers an acknowledgement that asked for it, once what it changed is on disk. */
  confirm(reply: string): void;
  event(event: ConsumerEvent): void;
  /** The consumer is done with a message of a stream that removes what nobody needs. */
  released(sequence: number): void;
  /** Something changed that has to survive a restart. */
  changed(): void;
  /** Nobody has used the consumer for as long as it may be unused: it is to be deleted. */
  unused(): void;
}
