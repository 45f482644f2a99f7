/**
 * The order of deliveries: first what has to be delivered again, then, unless too much is unacknowledged, the next
 * message of the stream; as long as the destination takes them.
 */
import { toWireText } from '../../protocol/wire-text.ts';
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { AckLedger, SequencePair } from './ack-ledger.ts';
import { ackPrefixOf, writeAckSubject } from './ack-subject.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import type { ConsumerOutput } from './consumer-output.ts';
import type { Cursor } from './cursor.ts';
import type { Destination } from './destination.ts';
import { headersOnly } from './headers-only.ts';
import { ReplayPace } from './replay-pace.ts';

/** What was passed over in front of a message counts this much at most. */
const DEAREST = 64;

type Step = 'delivered' | 'dry' | 'waiting';

export interface DeliveryParts {
  readonly stream: ConsumerStream;
  readonly cursor: Cursor;
  readonly ledger: AckLedger;
  readonly output: ConsumerOutput;
}

export class DeliveryLoop {
  config: ConsumerConfig;
  /** In ms; 0 for never. */
  lastAt = 0;
  readonly #parts: DeliveryParts;
  readonly #ackPrefix: string;
  readonly #exhausted: (streamSequence: number, deliveries: number) => void;
  #count: number;
  #replay: ReplayPace | undefined;
  #replayDueAt = Number.POSITIVE_INFINITY;

  /**
   * @param name of the consumer, as wire text.
   * @param count deliveries so far.
   */
  constructor(config: ConsumerConfig, name: string, count: number, parts: DeliveryParts) {
    const { stream, output } = parts;
    this.config = config;
    this.#parts = parts;
    this.#ackPrefix = ackPrefixOf(toWireText(stream.name), name);
    this.#exhausted = (streamSequence, deliveries) => {
      output.event({ kind: 'max_deliver', streamSequence, deliveries });
      output.changed();
    };
    this.#count = count;
    this.#replay = config.replay_policy === 'original' ? new ReplayPace(stream.lastSequence) : undefined;
  }

  /** The last delivery, by its own count, and how far it has come in the stream. */
  get delivered(): SequencePair {
    return { consumer: this.#count, stream: this.#parts.cursor.next - 1 };
  }

  /** When the next message is due in a replay at the original pace, in ms; `Infinity` for never. */
  get deadline(): number {
    return this.#replayDueAt;
  }

  /**
   * @param budget messages that it may deliver or pass over, so that others get their turn: those who read the same
   * stream stay close to each other, and what one has read from the disk serves the next.
   * @returns whether it stopped because of that.
   */
  run(destination: Destination, now: number, budget: number): boolean {
    this.#replayDueAt = Number.POSITIVE_INFINITY;
    const { cursor } = this.#parts;
    let left = budget;
    let step: Step = 'dry';
    while (destination.isWanted) {
      if (left <= 0) return true;
      const { next } = cursor;
      step = this.#deliverOne(destination, now);
      if (step !== 'delivered') break;
      left -= Math.max(1, Math.min(cursor.next - next, DEAREST));
    }
    if (this.#replay?.isOver(cursor.next)) this.#replay = undefined;
    destination.settle(now, step !== 'waiting');
    return false;
  }

  #deliverOne(destination: Destination, now: number): Step {
    const { cursor, ledger, output } = this.#parts;
    const again = this.#nextRedelivery();
    if (again !== undefined) {
      const { sequence } = again;
      const step = this.#send(destination, again, ledger.deliveriesWith(sequence), cursor.ahead, now);
      if (step === 'delivered') ledger.redeliver(sequence, now);
      return step;
    }
    if (ledger.isFull) return 'waiting';
    const before = cursor.next;
    const message = cursor.peek();
    if (message === undefined) {
      if (cursor.next !== before) output.changed();
      return 'dry';
    }
    const { sequence } = message;
    const step = this.#send(destination, message, 1, Math.max(0, cursor.ahead - 1), now);
    if (step !== 'delivered') return step;
    cursor.advance(sequence);
    ledger.delivered(sequence, this.#count, now);
    if (this.config.ack_policy === 'none') output.released(sequence);
    return step;
  }

  #send(
    destination: Destination,
    stored: StoredMessage,
    deliveries: number,
    ahead: number,
    now: number,
  ): Step {
    const { sequence, timeUs } = stored;
    const dueAt = this.#replay?.dueAt(timeUs) ?? 0;
    if (dueAt > now) {
      this.#replayDueAt = dueAt;
      return 'waiting';
    }
    const reply = writeAckSubject(this.#ackPrefix, deliveries, sequence, this.#count + 1, timeUs, ahead);
    const message = this.config.headers_only ? headersOnly(stored) : stored;
    const sent = destination.send(message, reply, now);
    if (sent !== 'taken') return sent === 'later' ? 'waiting' : 'dry';
    this.#count++;
    this.#replay?.delivered(timeUs, now);
    this.lastAt = now;
    this.#parts.output.changed();
    return 'delivered';
  }

  /** The message to be delivered again, if there is one. Those that do not exist any more are dropped. */
  #nextRedelivery(): StoredMessage | undefined {
    const { stream, ledger, output } = this.#parts;
    while (ledger.redeliveries > 0) {
      const sequence = ledger.nextRedelivery(this.#exhausted);
      if (sequence === 0) return undefined;
      const message = stream.load(sequence);
      if (message !== undefined) return message;
      ledger.forget(sequence, this.delivered);
      output.changed();
    }
    return undefined;
  }
}
