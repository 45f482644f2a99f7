/**
 * Publishers that each have one message in flight, and go on with the next as soon as it is acknowledged. What was
 * acknowledged, under which sequence, and what was not, is the measure of what a broker may lose.
 */
import type { NatsConnection } from '@nats-io/transport-node';

export interface LoadOptions {
  readonly publishers: number;
  /** First token of the subjects. */
  readonly subject: string;
  /** Largest payload, in bytes. Default 500. */
  readonly largest?: number;
  /** Gives numbers in [0, 1). */
  readonly random: () => number;
}

/** Messages by number: each has one of its own, which its payload begins with. */
export class Ledger {
  /** The sequence that the broker gave, by number. */
  readonly acknowledged = new Map<number, number>();
  /** How often each number was sent. */
  readonly attempts = new Map<number, number>();
  /** Numbers that were sent and not acknowledged. */
  readonly open = new Set<number>();
  #next = 0;

  /** What a publisher sends next: what it has not heard of first, as publishers do that want it stored. */
  take(): number {
    for (const number of this.open) {
      this.open.delete(number);
      return number;
    }
    return this.#next++;
  }
}

export class PublishingLoad {
  /** Acknowledgements that said something else than that the message is stored. */
  readonly refusals: string[] = [];
  readonly #nc: NatsConnection;
  readonly #ledger: Ledger;
  readonly #options: LoadOptions;
  readonly #inbox: string;
  readonly #inFlight = new Map<string, number>();
  #running = true;
  #until = Number.POSITIVE_INFINITY;
  #reached: () => void = () => {};
  #quiet: () => void = () => {};

  constructor(nc: NatsConnection, ledger: Ledger, options: LoadOptions) {
    this.#nc = nc;
    this.#ledger = ledger;
    this.#options = options;
    this.#inbox = `_INBOX.load.${Math.random().toString(36).slice(2)}`;
    nc.subscribe(`${this.#inbox}.*`, {
      callback: (_, message) =>
        this.#answered(message.subject.slice(this.#inbox.length + 1), message.string()),
    });
    for (let publisher = 0; publisher < options.publishers; publisher++) this.#publish(`${publisher}`);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Calls back in the very moment in which so many more are acknowledged. */
  whenAcknowledged(count: number, reached: () => void): void {
    this.#until = this.#ledger.acknowledged.size + count;
    this.#reached = reached;
  }

  /** Sends nothing more, and resolves when everything is acknowledged. */
  async drain(): Promise<void> {
    this.#running = false;
    if (this.#inFlight.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#quiet = resolve;
    });
  }

  /** The broker is gone: whatever is in flight stays open. */
  abandon(): void {
    this.#running = false;
    for (const number of this.#inFlight.values()) this.#ledger.open.add(number);
    this.#inFlight.clear();
  }

  #publish(publisher: string): void {
    if (!this.#running || this.#nc.isClosed()) return;
    const number = this.#ledger.take();
    this.#inFlight.set(publisher, number);
    this.#ledger.attempts.set(number, (this.#ledger.attempts.get(number) ?? 0) + 1);
    // Sizes that are no multiple of anything a disk or a database is made of.
    const filling = 'x'.repeat(Math.floor(this.#options.random() * (this.#options.largest ?? 500)));
    this.#nc.publish(`${this.#options.subject}.${publisher}`, `${number} ${filling}`, {
      reply: `${this.#inbox}.${publisher}`,
    });
  }

  #answered(publisher: string, text: string): void {
    const number = this.#inFlight.get(publisher);
    if (number === undefined) return;
    this.#inFlight.delete(publisher);
    const { seq, error } = JSON.parse(text || '{}') as { seq?: number; error?: unknown };
    if (error !== undefined || seq === undefined) {
      this.refusals.push(text);
      this.#ledger.open.add(number);
      this.#running = false;
    } else {
      this.#ledger.acknowledged.set(number, seq);
      if (this.#ledger.acknowledged.size === this.#until) this.#reached();
    }
    if (this.#running) this.#publish(publisher);
    else if (this.#inFlight.size === 0) this.#quiet();
  }
}
