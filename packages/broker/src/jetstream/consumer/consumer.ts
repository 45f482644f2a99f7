/**
 * One consumer as a state machine: requests, acknowledgements, new and vanished messages and the time go in, deliveries
 * and events come out (`ConsumerOutput`). It owns no clock, no timer and no socket; `now` is in ms and never goes
 * backwards. Inputs only change state; what can be delivered then is delivered by `run`.
 *
 * Its parts: the cursor (how far it is in the stream), the ledger (what is delivered and not acknowledged), the
 * destination (where messages go) and the loop that carries them there.
 */
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';
import type { AckKind } from './ack-body.ts';
import { AckLedger, type SequencePair } from './ack-ledger.ts';
import { isSampled } from './ack-sampling.ts';
import type { AckSubject } from './ack-subject.ts';
import { type ConsumerConfig, isPush } from './consumer-config.ts';
import { filterOf } from './consumer-filter.ts';
import type { ConsumerOutput } from './consumer-output.ts';
import type { Cursor } from './cursor.ts';
import { DeliveryLoop } from './delivery-loop.ts';
import { flowControlSubjects } from './flow-control-subject.ts';
import { Inactivity } from './inactivity.ts';
import { readNakDelay } from './nak-delay.ts';
import { PullDestination } from './pull-destination.ts';
import { PushDestination } from './push-destination.ts';
import { Status } from './status.ts';
import { isStillStored } from './still-stored.ts';

/** What does not come from the configuration. */
export interface ConsumerSetting {
  /** Wire text. */
  readonly name: string;
  readonly createdUs: number;
  /** ms by which an unused consumer may outlive its threshold. */
  readonly jitter: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  /** Bytes that may go at once under a rate limit. */
  readonly burst: number;
}

/** Where it stands when it begins: at its start, or where it was before a restart. */
export interface ConsumerPosition {
  readonly cursor: Cursor;
  readonly delivered: number;
  readonly floor: SequencePair;
}

export class Consumer {
  readonly name: string;
  readonly createdUs: number;
  readonly ledger: AckLedger;
  readonly cursor: Cursor;
  config: ConsumerConfig;
  /** In ms; 0 for never. */
  lastAcknowledgedAt = 0;

  readonly #stream: ConsumerStream;
  readonly #output: ConsumerOutput;
  readonly #setting: ConsumerSetting;
  readonly #loop: DeliveryLoop;
  readonly #pull: PullDestination | undefined;
  readonly #push: PushDestination | undefined;
  readonly #released: (sequence: number) => void;
  #inactivity: Inactivity;

  constructor(
    config: ConsumerConfig,
    setting: ConsumerSetting,
    position: ConsumerPosition,
    stream: ConsumerStream,
    output: ConsumerOutput,
    now: number,
  ) {
    const { name, random, burst } = setting;
    const { cursor } = position;
    const ledger = new AckLedger(config, position.floor);
    this.name = name;
    this.createdUs = setting.createdUs;
    this.config = config;
    this.cursor = cursor;
    this.ledger = ledger;
    this.#stream = stream;
    this.#output = output;
    this.#setting = setting;
    this.#released = (sequence) => output.released(sequence);
    this.#loop = new DeliveryLoop(config, name, position.delivered, { stream, cursor, ledger, output });
    this.#inactivity = new Inactivity(config, setting.jitter, now);
    const delivered = (): SequencePair => this.delivered;
    if (isPush(config)) {
      const questions = flowControlSubjects(stream.name, name, random);
      this.#push = new PushDestination(config, output, delivered, questions, burst, now);
    } else {
      this.#pull = new PullDestination(config, output, delivered);
    }
  }

  /** The last delivery, by its own count, and how far it has come in the stream. */
  get delivered(): SequencePair {
    return this.#loop.delivered;
  }

  /** In ms; 0 for never. */
  get lastDeliveredAt(): number {
    return this.#loop.lastAt;
  }

  /** Whether anyone is subscribed to the deliver subject of a push consumer. */
  get isBound(): boolean {
    return this.#push?.isBound ?? false;
  }

  /** Whether a message would be taken now. */
  get isWanted(): boolean {
    return (this.#push ?? this.#pull!).isWanted;
  }

  /** When `tick` has to be called, in ms; `Infinity` for never. May be too early, is never too late. */
  get deadline(): number {
    return Math.min(
      this.ledger.pending.deadline,
      this.#pull?.deadline ?? Number.POSITIVE_INFINITY,
      this.#push?.deadline ?? Number.POSITIVE_INFINITY,
      this.#inactivity.deadline,
      this.#loop.deadline,
    );
  }

  /** Requests that wait, after those that are over have been ended. */
  waiting(now: number): number {
    return this.#pull?.sift(now, false) ?? 0;
  }

  /** A request for messages. @param body wire text. @param inbox where they go; not empty. */
  request(body: string, inbox: string, now: number): void {
    if (this.#pull === undefined) {
      this.#output.status(inbox, Status.pushBased, '');
      return;
    }
    this.#inactivity.used(now);
    this.#pull.request(body, inbox, () => this.cursor.ahead + this.ledger.redeliveries, now);
  }

  /**
   * An acknowledgement of any kind.
   *
   * @param argument what stands behind `-NAK` and `+NXT`, as wire text.
   * @param of what it is for; not kept.
   * @param reply where it wants an answer; empty for nowhere.
   */
  acknowledge(kind: AckKind, argument: string, of: AckSubject, reply: string, now: number): void {
    const { streamSequence, consumerSequence, deliveries } = of;
    this.#inactivity.used(now);
    switch (kind) {
      case 'ack':
        this.#sample(of, now);
        this.#settle(of, now);
        break;
      case 'next':
        this.#sample(of, now);
        this.#settle(of, now);
        if (reply !== '') this.request(argument, reply, now);
        return;
      case 'nak':
        this.#nak(argument, of, now);
        break;
      case 'progress':
        this.ledger.progress(streamSequence, now);
        this.#output.changed();
        break;
      case 'term':
        this.#settle(of, now);
        this.#output.event({ kind: 'terminated', consumerSequence, streamSequence, deliveries });
        break;
      case 'unknown':
    }
    if (reply !== '' && streamSequence !== 0) this.#output.confirm(reply);
  }

  /** A client answered a question of the flow control, by sending to its subject. */
  flowControlled(subject: string): void {
    this.#push?.answered(subject);
  }

  /** The first subscriber of the deliver subject has come, or the last has gone. */
  bind(bound: boolean, now: number): void {
    this.#push?.bind(bound);
    this.#inactivity.bind(bound, now);
  }

  /** A message has vanished from the stream. Returns whether it was pending. */
  removed(sequence: number, subject: string): boolean {
    this.cursor.removed(sequence, subject);
    const consumerSequence = this.ledger.pending.consumerSequenceOf(sequence);
    const deliveries = this.ledger.deliveriesWith(sequence) - 1;
    if (!this.ledger.forget(sequence, this.delivered)) return false;
    this.#output.event({ kind: 'terminated', consumerSequence, streamSequence: sequence, deliveries });
    this.#output.changed();
    return true;
  }

  /** What matches `filter` (everything when undefined) has vanished below `upTo`. */
  purged(upTo: number, filter: SubjectFilter | undefined): void {
    const concerns = filter === undefined || filter.subject === this.config.filter_subject;
    const isStored =
      filter === undefined
        ? () => false
        : (sequence: number): boolean => isStillStored(this.#stream, sequence);
    this.cursor.purged(upTo, concerns);
    const forgotten = this.ledger.forgetBelow(upTo, isStored);
    if (concerns || forgotten) this.ledger.raiseFloor(upTo, this.delivered);
    this.#output.changed();
  }

  /** Whether the message is still to be delivered or acknowledged. */
  needs(sequence: number, subject: string): boolean {
    return this.ledger.pending.has(sequence) || this.cursor.expects(sequence, subject);
  }

  /** @param config checked against the one in force. */
  configure(config: ConsumerConfig, now: number): void {
    const old = this.config;
    this.config = config;
    this.#loop.config = config;
    this.ledger.configure(config);
    this.#pull?.configure(config);
    this.#push?.configure(config, now);
    if (old.deliver_subject !== config.deliver_subject) this.ledger.expireAll();
    if (old.filter_subject !== config.filter_subject) this.cursor.refilter(filterOf(config, this.#stream));
    if (old.inactive_threshold !== config.inactive_threshold) {
      this.#inactivity = new Inactivity(config, this.#setting.jitter, now);
      this.#inactivity.bind(this.isBound, now);
    }
  }

  /** Time has passed: what is overdue is queued, ended or reminded of. `run` has to follow. */
  tick(now: number): void {
    this.ledger.expire(now);
    this.#pull?.settle(now, false);
    this.#push?.settle(now);
    if (now < this.#inactivity.deadline) return;
    if (this.#pull !== undefined && this.#pull.sift(now, true) > 0) this.#inactivity.postpone(now);
    else this.#output.unused();
  }

  /**
   * Delivers what can be delivered.
   *
   * @param budget messages at most, so that others get their turn.
   * @returns whether it stopped because of that.
   */
  run(now: number, budget: number): boolean {
    const more = this.#loop.run(this.#push ?? this.#pull!, now, budget);
    if (this.#loop.lastAt === now) this.#inactivity.used(now);
    return more;
  }

  /** The consumer is deleted: those who wait are told. */
  end(): void {
    this.#pull?.end();
  }

  #settle({ streamSequence, consumerSequence }: AckSubject, now: number): void {
    if (this.config.ack_policy === 'none') return;
    this.ledger.acknowledge(streamSequence, consumerSequence, this.delivered, this.#released);
    this.lastAcknowledgedAt = now;
    this.#output.changed();
  }

  #nak(argument: string, { streamSequence, consumerSequence, deliveries }: AckSubject, now: number): void {
    if (!this.ledger.canNak(streamSequence, consumerSequence, this.delivered)) return;
    this.#output.event({ kind: 'nak', consumerSequence, streamSequence, deliveries });
    const delay = readNakDelay(argument);
    if (delay === undefined) this.ledger.nak(streamSequence);
    else this.ledger.nakLater(streamSequence, delay, now);
    this.#output.changed();
  }

  #sample({ streamSequence, consumerSequence, deliveries }: AckSubject, now: number): void {
    const deliveredAt = this.ledger.pending.timeOf(streamSequence);
    if (deliveredAt === 0 || !isSampled(this.config, this.#setting.random)) return;
    const delay = now - deliveredAt;
    this.#output.event({ kind: 'acknowledged', consumerSequence, streamSequence, deliveries, delay });
  }
}
