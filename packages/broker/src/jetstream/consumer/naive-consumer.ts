/**
 * What a pull consumer with explicit acknowledgements must do, said as simply as possible: lists, no clock but the one
 * it is told, no concern for cost. The oracle of the property tests.
 */
import type { NaiveStream } from './naive-stream.ts';

export interface NaiveRules {
  /** In ms. */
  readonly ackWait: number;
  /** -1 for any number. */
  readonly maxDeliver: number;
  readonly maxAckPending: number;
  readonly filter: string;
}

export class NaiveConsumer {
  /** `<sequence>:<deliveries>` in the order of delivery. */
  readonly delivered: string[] = [];
  /** Sequences that were delivered as often as they may be. */
  readonly parked: number[] = [];
  /** Delivered and not acknowledged, with the time at which each comes again; `Infinity` while it is queued. */
  readonly pending = new Map<number, number>();
  readonly deliveries = new Map<number, number>();
  readonly #rules: NaiveRules;
  readonly #stream: NaiveStream;
  #queue: number[] = [];
  #next = 1;
  #wanted = 0;
  now: number;

  constructor(rules: NaiveRules, stream: NaiveStream, now: number) {
    this.#rules = rules;
    this.#stream = stream;
    this.now = now;
  }

  /** Stored messages that were never delivered. */
  get ahead(): number[] {
    return this.#matching().filter((sequence) => sequence >= this.#next);
  }

  pull(batch: number): void {
    this.#wanted += batch;
    this.deliver();
  }

  ack(sequence: number): void {
    this.#forget(sequence);
    this.deliver();
  }

  nak(sequence: number, delay: number): void {
    if (!this.pending.has(sequence)) return;
    if (delay > 0) {
      this.#queue = this.#queue.filter((queued) => queued !== sequence);
      this.pending.set(sequence, this.now + delay);
    } else if (!this.#queue.includes(sequence)) this.#enqueue(sequence);
    this.deliver();
  }

  progress(sequence: number): void {
    if (!this.pending.has(sequence) || this.#queue.includes(sequence)) return;
    this.pending.set(sequence, this.now + this.#rules.ackWait);
  }

  removed(sequence: number): void {
    this.#forget(sequence);
    this.deliver();
  }

  purged(upTo: number): void {
    for (const sequence of [...this.pending.keys()]) if (sequence < upTo) this.#forget(sequence);
    this.#next = Math.max(this.#next, upTo);
    this.deliver();
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (
      let due = Math.min(...this.pending.values());
      due <= until;
      due = Math.min(...this.pending.values())
    ) {
      this.now = due;
      const expired = [...this.pending].filter(([, at]) => at <= due).map(([sequence]) => sequence);
      for (const sequence of expired.sort((a, b) => a - b)) this.#enqueue(sequence);
      this.deliver();
    }
    this.now = until;
  }

  deliver(): void {
    while (this.#wanted > 0) {
      const again = this.#queue.shift();
      if (again !== undefined) {
        const deliveries = this.deliveries.get(again)!;
        if (deliveries === this.#rules.maxDeliver) {
          this.pending.delete(again);
          this.parked.push(again);
        } else this.#deliverOne(again, deliveries + 1);
        continue;
      }
      const [sequence] = this.ahead;
      if (sequence === undefined || this.pending.size >= this.#rules.maxAckPending) return;
      this.#next = sequence + 1;
      this.#deliverOne(sequence, 1);
    }
  }

  #deliverOne(sequence: number, deliveries: number): void {
    this.#wanted--;
    this.deliveries.set(sequence, deliveries);
    this.pending.set(sequence, this.now + this.#rules.ackWait);
    this.delivered.push(`${sequence}:${deliveries}`);
  }

  #enqueue(sequence: number): void {
    this.pending.set(sequence, Number.POSITIVE_INFINITY);
    this.#queue.push(sequence);
  }

  #forget(sequence: number): void {
    this.pending.delete(sequence);
    this.#queue = this.#queue.filter((queued) => queued !== sequence);
  }

  #matching(): number[] {
    const { filter } = this.#rules;
    return this.#stream
      .stored()
      .filter(({ subject }) => filter === '' || subject === filter)
      .map(({ sequence }) => sequence);
  }
}
