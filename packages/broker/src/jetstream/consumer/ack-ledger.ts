/**
 * Who owes what: the messages that were delivered and are not acknowledged, when each is to be delivered again, how
 * often it was, and up to where everything is acknowledged. Knows no stream, no client and no clock of its own.
 *
 * The rules are those of nats-server 2.9: a backoff takes the place of the ack wait and is chosen by the number of
 * redeliveries so far, a bare nak is due at once whatever the backoff says, and a message that has been delivered
 * `max_deliver` times is parked: neither pending nor delivered again, but still counted as redelivered until somebody
 * acknowledges it after all.
 */
import type { ConsumerConfig } from './consumer-config.ts';
import { PendingTable } from './pending-table.ts';
import { RedeliveryQueue } from './redelivery-queue.ts';

/** A position in the consumer's own count and in the stream's. */
export interface SequencePair {
  readonly consumer: number;
  readonly stream: number;
}

export type AckRules = Pick<
  ConsumerConfig,
  'ack_policy' | 'ack_wait' | 'backoff' | 'max_deliver' | 'max_ack_pending'
>;

const NS_PER_MS = 1e6;

export class AckLedger {
  readonly pending = new PendingTable();
  /** How often a message was delivered again. Messages that never were are not in it. */
  readonly redelivered = new Map<number, number>();
  /** Up to where everything is acknowledged. May lag behind while a parked message is in the way. */
  floor: SequencePair;
  readonly #queue = new RedeliveryQueue();
  /** Parked messages, and messages that were: their rows have to be looked at. */
  #parkedChanges = new Set<number>();
  #rules: AckRules;

  constructor(rules: AckRules, floor: SequencePair) {
    this.#rules = rules;
    this.floor = floor;
  }

  /** Whether no further message may be delivered before one is acknowledged. Redeliveries do not count. */
  get isFull(): boolean {
    const { max_ack_pending } = this.#rules;
    return max_ack_pending > 0 && this.pending.size >= max_ack_pending;
  }

  /** How many messages wait to be delivered again. */
  get redeliveries(): number {
    return this.#queue.size;
  }

  configure(rules: AckRules): void {
    this.#rules = rules;
    for (const { sequence, time } of this.pending) {
      if (!this.#queue.has(sequence)) this.pending.reschedule(sequence, time + this.#waitOf(sequence));
    }
  }

  delivered(sequence: number, consumerSequence: number, now: number): void {
    if (this.#rules.ack_policy === 'none') this.floor = { consumer: consumerSequence, stream: sequence };
    else this.pending.add(sequence, consumerSequence, now, now + this.#waitOf(sequence));
  }

  /** The front of the redelivery queue, which `nextRedelivery` returned, was delivered. */
  redeliver(sequence: number, now: number): void {
    this.#queue.delete(sequence);
    this.redelivered.set(sequence, (this.redelivered.get(sequence) ?? 0) + 1);
    this.pending.touch(sequence, now, now + this.#waitOf(sequence));
  }

  /** How many deliveries the next one makes. */
  deliveriesWith(sequence: number): number {
    return (this.redelivered.get(sequence) ?? 0) + 2;
  }

  /**
   * The next message to be delivered again; 0 when there is none. Parks those that have been delivered often enough.
   *
   * @param exhausted told of each that is parked, and how often it was delivered.
   */
  nextRedelivery(exhausted: (sequence: number, deliveries: number) => void): number {
    const { max_deliver } = this.#rules;
    for (let sequence = this.#queue.peek(); sequence !== 0; sequence = this.#queue.peek()) {
      const deliveries = this.deliveriesWith(sequence);
      if (max_deliver <= 0 || deliveries <= max_deliver) return sequence;
      this.#queue.delete(sequence);
      this.redelivered.set(sequence, deliveries - 1);
      this.pending.remove(sequence);
      this.#parkedChanges.add(sequence);
      exhausted(sequence, deliveries - 1);
    }
    return 0;
  }

  /**
   * @param delivered the last that was delivered.
   * @param released told of each message that is done with.
   * @returns whether that made room where there was none.
   */
  acknowledge(
    sequence: number,
    consumerSequence: number,
    delivered: SequencePair,
    released: (sequence: number) => void,
  ): boolean {
    switch (this.#rules.ack_policy) {
      case 'none':
        return false;
      case 'all':
        return this.#acknowledgeAll(sequence, consumerSequence, delivered, released);
      case 'explicit':
        return this.#acknowledgeOne(sequence, consumerSequence, delivered, released);
    }
  }

  /** The message is worked on: its clock starts again. One that already waits to be delivered again still will be. */
  progress(sequence: number, now: number): void {
    if (!this.pending.has(sequence)) return;
    const deadline = this.#queue.has(sequence) ? Number.POSITIVE_INFINITY : now + this.#waitOf(sequence);
    this.pending.touch(sequence, now, deadline);
  }

  /** Whether a nak for this delivery of a message means anything. */
  canNak(sequence: number, consumerSequence: number, delivered: SequencePair): boolean {
    return consumerSequence <= delivered.consumer && this.pending.has(sequence);
  }

  nak(sequence: number): void {
    this.pending.stopClock(sequence);
    this.#queue.add(sequence);
  }

  /** @param delay in ms. */
  nakLater(sequence: number, delay: number, now: number): void {
    this.#queue.delete(sequence);
    // The server sets the message's clock so that the ack wait ends with the delay. With a backoff the wait is another
    // one by now, so the delay comes out longer or shorter there, and here.
    const time = now + delay - this.#rules.ack_wait / NS_PER_MS;
    this.pending.touch(sequence, time, time + this.#waitOf(sequence));
  }

  /** Queues what was not acknowledged in time, in the order of the stream. Returns whether there was any. */
  expire(now: number): boolean {
    if (this.pending.deadline > now) return false;
    const expired: number[] = [];
    for (let sequence = this.pending.expire(now); sequence !== 0; sequence = this.pending.expire(now)) {
      expired.push(sequence);
    }
    expired.sort((a, b) => a - b);
    for (const sequence of expired) this.#queue.add(sequence);
    return true;
  }

  /** Queues everything that is pending. */
  expireAll(): void {
    for (const { sequence } of this.pending) this.nak(sequence);
  }

  /** The message does not exist any more. Returns whether it was pending. */
  forget(sequence: number, delivered: SequencePair): boolean {
    const wasPending = this.pending.has(sequence);
    if (wasPending) this.#acknowledgeOne(sequence, 0, delivered, ignore);
    else this.#clear(sequence);
    return wasPending;
  }

  /**
   * Messages below `upTo` are gone, those excepted for which `isStored` says otherwise.
   *
   * @returns whether any of them was pending.
   */
  forgetBelow(upTo: number, isStored: (sequence: number) => boolean): boolean {
    const before = this.pending.size;
    let sequence = this.pending.lowest;
    while (sequence !== 0 && sequence < upTo) {
      const next = this.pending.next(sequence);
      if (!isStored(sequence)) this.#clear(sequence);
      sequence = next;
    }
    for (const parked of this.redelivered.keys()) {
      if (parked < upTo && !isStored(parked)) this.#clear(parked);
    }
    return this.pending.size < before;
  }

  /** Everything below `upTo` counts as acknowledged, as far as nothing of it is pending. */
  raiseFloor(upTo: number, delivered: SequencePair): void {
    const { lowest } = this.pending;
    if (lowest === 0) {
      this.floor = delivered;
      return;
    }
    this.floor = {
      consumer: Math.max(this.floor.consumer, this.pending.consumerSequenceOf(lowest) - 1),
      stream: Math.max(this.floor.stream, Math.min(upTo, lowest) - 1),
    };
  }

  /** As it was stored; `consumerSequence` is 0 for a parked message. */
  restore(sequence: number, consumerSequence: number, time: number, deliveries: number): void {
    if (deliveries > 1) this.redelivered.set(sequence, deliveries - 1);
    if (consumerSequence === 0) return;
    this.pending.add(sequence, consumerSequence, time, time + this.#waitOf(sequence));
    this.pending.markStored(sequence);
  }

  /**
   * What has to be stored since the last call: rows of messages that are pending or parked (`consumerSequence` 0), and
   * sequences whose rows are obsolete.
   */
  changes(
    row: (sequence: number, consumerSequence: number, time: number, deliveries: number) => void,
    gone: (sequence: number) => void,
  ): void {
    const deliveriesOf = (sequence: number): number => (this.redelivered.get(sequence) ?? 0) + 1;
    const parked = this.#parkedChanges;
    this.#parkedChanges = new Set();
    this.pending.changes(
      ({ sequence, consumerSequence, time }) => row(sequence, consumerSequence, time, deliveriesOf(sequence)),
      (sequence) => {
        if (!parked.has(sequence)) gone(sequence);
      },
    );
    for (const sequence of parked) {
      if (this.pending.has(sequence)) continue;
      if (this.redelivered.has(sequence)) row(sequence, 0, 0, deliveriesOf(sequence));
      else gone(sequence);
    }
  }

  /** A sequence below which nothing is pending or parked; 0 when none is known at once. */
  clearBelow(delivered: SequencePair): number {
    const { lowest, size } = this.pending;
    // What was delivered again and is still pending is not parked; to find out about each would take long.
    if (this.redelivered.size > 0) return 0;
    return size > 0 ? lowest : delivered.stream + 1;
  }

  #acknowledgeOne(
    sequence: number,
    consumerSequence: number,
    delivered: SequencePair,
    released: (sequence: number) => void,
  ): boolean {
    const wasFull = this.isFull;
    const isParked = !this.pending.has(sequence) && this.redelivered.has(sequence);
    const known = isParked ? consumerSequence : this.pending.consumerSequenceOf(sequence);
    const next = isParked ? this.pending.lowest : this.pending.next(sequence);
    this.#clear(sequence);
    if (this.pending.size === 0) {
      this.floor = delivered;
    } else if (known !== 0 && known === this.floor.consumer + 1 && !(next < sequence)) {
      this.floor = { consumer: this.pending.consumerSequenceOf(next) - 1, stream: next - 1 };
    }
    if (known !== 0) released(sequence);
    return wasFull && !this.isFull;
  }

  #acknowledgeAll(
    sequence: number,
    consumerSequence: number,
    delivered: SequencePair,
    released: (sequence: number) => void,
  ): boolean {
    // Written so that what is not a number is refused too.
    const isNews = sequence > this.floor.stream && sequence <= delivered.stream;
    if (!(isNews && consumerSequence <= delivered.consumer)) return false;
    const wasFull = this.isFull;
    this.floor = { consumer: Math.max(this.floor.consumer, consumerSequence), stream: sequence };
    for (let at = this.pending.lowest; at !== 0 && at <= sequence; at = this.pending.lowest) {
      this.#clear(at);
      released(at);
    }
    for (const parked of this.redelivered.keys()) {
      if (parked > sequence || this.pending.has(parked)) continue;
      this.#clear(parked);
      released(parked);
    }
    return wasFull && !this.isFull;
  }

  #clear(sequence: number): void {
    this.#queue.delete(sequence);
    if (!this.pending.remove(sequence) && this.redelivered.has(sequence)) this.#parkedChanges.add(sequence);
    this.redelivered.delete(sequence);
  }

  /** How long a message may take, in ms. */
  #waitOf(sequence: number): number {
    const { backoff, ack_wait } = this.#rules;
    if (backoff.length === 0) return ack_wait / NS_PER_MS;
    const step = Math.min(this.redelivered.get(sequence) ?? 0, backoff.length - 1);
    return backoff[step]! / NS_PER_MS;
  }
}

function ignore(): void {}
