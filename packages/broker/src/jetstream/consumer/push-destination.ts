/** Delivery to one subject, as fast as its subscribers, the flow control and the rate limit let it. */
import type { StoredMessage } from '../stream/stored-message.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import type { ConsumerOutput } from './consumer-output.ts';
import { type Destination, type Sent, sizeOf } from './destination.ts';
import { FlowControl } from './flow-control.ts';
import type { Delivered } from './pull-destination.ts';
import { RateLimit } from './rate-limit.ts';
import { Status } from './status.ts';

const NS_PER_MS = 1e6;

export class PushDestination implements Destination {
  readonly #output: ConsumerOutput;
  readonly #delivered: () => Delivered;
  readonly #flow: FlowControl | undefined;
  /** A new subject for a question of the flow control. */
  readonly #question: () => string;
  /** Interval of heartbeats while nothing is delivered, in ms; 0 for none. */
  readonly #heartbeat: number;
  readonly #burst: number;
  #rate: RateLimit | undefined;
  #subject: string;
  #bitsPerSecond = 0;
  #bound = false;
  #lastSentAt: number;
  #rateDueAt = 0;

  /** @param burst bytes that may go at once under a rate limit. */
  constructor(
    config: ConsumerConfig,
    output: ConsumerOutput,
    delivered: () => Delivered,
    question: () => string,
    burst: number,
    now: number,
  ) {
    this.#output = output;
    this.#delivered = delivered;
    this.#question = question;
    this.#flow = config.flow_control ? new FlowControl() : undefined;
    this.#heartbeat = config.idle_heartbeat / NS_PER_MS;
    this.#burst = burst;
    this.#subject = config.deliver_subject;
    this.#lastSentAt = now;
    this.configure(config, now);
  }

  get isWanted(): boolean {
    return this.#bound && !this.#flow?.isStalled;
  }

  /** Whether anyone is subscribed to the deliver subject. */
  get isBound(): boolean {
    return this.#bound;
  }

  get deadline(): number {
    const heartbeat =
      this.#heartbeat > 0 && this.#bound ? this.#lastSentAt + this.#heartbeat : Number.POSITIVE_INFINITY;
    return this.#rateDueAt > 0 ? Math.min(heartbeat, this.#rateDueAt) : heartbeat;
  }

  configure(config: ConsumerConfig, now: number): void {
    this.#subject = config.deliver_subject;
    if (config.rate_limit_bps === this.#bitsPerSecond) return;
    this.#bitsPerSecond = config.rate_limit_bps;
    this.#rate = this.#bitsPerSecond === 0 ? undefined : new RateLimit(this.#bitsPerSecond, this.#burst, now);
  }

  bind(bound: boolean): void {
    this.#bound = bound;
  }

  /** A client answered a question of the flow control. */
  answered(subject: string): boolean {
    return this.#flow?.answered(subject) ?? false;
  }

  send(message: StoredMessage, reply: string, now: number): Sent {
    const size = sizeOf(message, reply);
    this.#rateDueAt = 0;
    const dueAt = this.#rate?.dueAt(size, now) ?? now;
    if (dueAt > now) {
      this.#rateDueAt = dueAt;
      return 'later';
    }
    const delivery = this.#output.deliver(this.#subject, message, reply);
    if (delivery === 'saturated') return 'later';
    if (delivery === 'nobody') {
      this.#bound = false;
      return 'nobody';
    }
    this.#lastSentAt = now;
    this.#rate?.sent(size);
    if (this.#flow?.sent(size)) {
      const question = this.#question();
      this.#flow.ask(question);
      this.#output.status(this.#subject, Status.flowControl, question);
    }
    return 'taken';
  }

  settle(now: number): void {
    if (this.#heartbeat === 0 || !this.#bound || now < this.#lastSentAt + this.#heartbeat) return;
    this.#lastSentAt = now;
    const { consumer, stream } = this.#delivered();
    this.#output.status(this.#subject, Status.heartbeat(consumer, stream, this.#flow?.question ?? ''), '');
  }
}
