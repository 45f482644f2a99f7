/**
 * One consumer as a state machine: requests, acknowledgements, new and vanished messages and the time go in, deliveries
 * and events come out (`ConsumerOutput`). It owns no clock, no timer and no socket; `now` is in ms and never goes
 * backwards. Inputs only change state; what can be delivered then is delivered by `run`.
 *
 * Its parts: the cursor (how far it is in the stream), the ledger (what is delivered and not acknowledged) and the
 * destination (where messages go).
 */
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import { SubjectFilter } from '../stream/subject-filter.ts';
import type { AckKind } from './ack-body.ts';
import { AckLedger, type SequencePair } from './ack-ledger.ts';
import { ackPrefixOf, writeAckSubject } from './ack-subject.ts';
import { type ConsumerConfig, isPush } from './consumer-config.ts';
import type { ConsumerOutput } from './consumer-output.ts';
import type { Cursor } from './cursor.ts';
import { headersOnly } from './headers-only.ts';
import { Inactivity } from './inactivity.ts';
import { readNakDelay } from './nak-delay.ts';
import { PullDestination } from './pull-destination.ts';
import { PushDestination } from './push-destination.ts';
import { ReplayPace } from './replay-pace.ts';
import { Status } from './status.ts';

/** What does not come from the configuration. */
export interface ConsumerSetting {
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

type Step = 'delivered' | 'dry' | 'waiting';

export class Consumer {
  readonly name: string;
  readonly createdUs: number;
  readonly ledger: AckLedger;
  readonly cursor: Cursor;
  config: ConsumerConfig;
  /** In ms; 0 for never. */
  lastDeliveredAt = 0;
  lastAcknowledgedAt = 0;

  readonly #stream: ConsumerStream;
  readonly #output: ConsumerOutput;
  readonly #setting: ConsumerSetting;
  readonly #pull: PullDestination | undefined;
  readonly #push: PushDestination | undefined;
  readonly #ackPrefix: string;
  readonly #released: (sequence: number) => void;
  readonly #exhausted: (streamSequence: number, deliveries: number) => void;
  #inactivity: Inactivity;
  #replay: ReplayPace | undefined;
  #replayDueAt = Number.POSITIVE_INFINITY;
  /** Deliveries so far. */
  #count: number;

  constructor(
    config: ConsumerConfig,
    setting: ConsumerSetting,
    position: ConsumerPosition,
    stream: ConsumerStream,
    output: ConsumerOutput,
    now: number,
  ) {
    this.name = setting.name;
    this.createdUs = setting.createdUs;
    this.config = config;
    this.cursor = position.cursor;
    this.ledger = new AckLedger(config, position.floor);
    this.#count = position.delivered;
    this.#stream = stream;
    this.#output = output;
    this.#setting = setting;
    this.#ackPrefix = ackPrefixOf(stream.name, setting.name);
    this.#released = (sequence) => output.released(sequence);
    this.#exhausted = (streamSequence, deliveries) => {
      output.event({ kind: 'max_deliver', streamSequence, deliveries });
      output.changed();
    };
    this.#inactivity = new Inactivity(config, setting.jitter, now);
    this.#replay = config.replay_policy === 'original' ? new ReplayPace(stream.lastSequence) : undefined;
    const delivered = (): SequencePair => this.delivered;
    if (isPush(config)) {
      const question = (): string => this.#flowControlSubject();
      this.#push = new PushDestination(config, output, delivered, question, setting.burst, now);
    } else {
      this.#pull = new PullDestination(config, output, delivered);
    }
  }

  /** The last delivery, by its own count, and how far it has come in the stream. */
  get delivered(): SequencePair {
    return { consumer: this.#count, stream: this.cursor.next - 1 };
  }

  /** Whether anyone is subscribed to the deliver subject of a push consumer. */
  get isBound(): boolean {
    return this.#push?.isBound ?? false;
  }

  /** When `tick` has to be called, in ms; `Infinity` for never. May be too early, is never too late. */
  get deadline(): number {
    return Math.min(
      this.ledger.pending.deadline,
      this.#pull?.deadline ?? Number.POSITIVE_INFINITY,
      this.#push?.deadline ?? Number.POSITIVE_INFINITY,
      this.#inactivity.deadline,
      this.#replayDueAt,
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
   * @param reply where it wants an answer; empty for nowhere.
   */
  acknowledge(
    kind: AckKind,
    argument: string,
    streamSequence: number,
    consumerSequence: number,
    deliveries: number,
    reply: string,
    now: number,
  ): void {
    this.#inactivity.used(now);
    switch (kind) {
      case 'ack':
        this.#sample(streamSequence, consumerSequence, deliveries, now);
        this.#settleOne(streamSequence, consumerSequence, now);
        break;
      case 'next':
        this.#sample(streamSequence, consumerSequence, deliveries, now);
        this.#settleOne(streamSequence, consumerSequence, now);
        if (reply !== '') this.request(argument, reply, now);
        return;
      case 'nak':
        this.#nak(argument, streamSequence, consumerSequence, deliveries, now);
        break;
      case 'progress':
        this.ledger.progress(streamSequence, now);
        this.#output.changed();
        break;
      case 'term':
        this.#settleOne(streamSequence, consumerSequence, now);
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
        : (sequence: number): boolean => this.#stream.load(sequence) !== undefined;
    this.cursor.purged(upTo, concerns);
    this.ledger.forgetBelow(upTo, isStored);
    if (concerns) this.ledger.raiseFloor(upTo, this.delivered);
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
    if (now >= this.#replayDueAt) this.#replayDueAt = Number.POSITIVE_INFINITY;
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
    const destination = this.#push ?? this.#pull!;
    let left = budget;
    let step: Step = 'dry';
    while (destination.isWanted) {
      if (left-- === 0) return true;
      step = this.#deliverOne(now);
      if (step !== 'delivered') break;
    }
    if (this.#replay?.isOver(this.cursor.next)) this.#replay = undefined;
    destination.settle(now, step !== 'waiting');
    return false;
  }

  /** The consumer is deleted: those who wait are told. */
  end(): void {
    this.#pull?.end();
  }

  #deliverOne(now: number): Step {
    const again = this.#nextRedelivery();
    if (again !== undefined) {
      const { sequence } = again;
      const step = this.#send(again, this.ledger.deliveriesWith(sequence), this.cursor.ahead, now);
      if (step === 'delivered') this.ledger.redeliver(sequence, now);
      return step;
    }
    if (this.ledger.isFull) return 'waiting';
    const before = this.cursor.next;
    const message = this.cursor.peek();
    if (message === undefined) {
      if (this.cursor.next !== before) this.#output.changed();
      return 'dry';
    }
    const { sequence } = message;
    const step = this.#send(message, 1, Math.max(0, this.cursor.ahead - 1), now);
    if (step !== 'delivered') return step;
    this.cursor.advance(sequence);
    this.ledger.delivered(sequence, this.#count, now);
    if (this.config.ack_policy === 'none') this.#output.released(sequence);
    return step;
  }

  #send(stored: StoredMessage, deliveries: number, ahead: number, now: number): Step {
    const dueAt = this.#replay?.dueAt(stored.timeUs) ?? 0;
    if (dueAt > now) {
      this.#replayDueAt = dueAt;
      return 'waiting';
    }
    const { sequence, timeUs } = stored;
    const reply = writeAckSubject(this.#ackPrefix, deliveries, sequence, this.#count + 1, timeUs, ahead);
    const message = this.config.headers_only ? headersOnly(stored) : stored;
    const sent = (this.#push ?? this.#pull!).send(message, reply, now);
    if (sent !== 'taken') return sent === 'later' ? 'waiting' : 'dry';
    this.#count++;
    this.#replay?.delivered(timeUs, now);
    this.#inactivity.used(now);
    this.lastDeliveredAt = now;
    this.#output.changed();
    return 'delivered';
  }

  /** The message to be delivered again, if there is one. Those that do not exist any more are dropped. */
  #nextRedelivery(): StoredMessage | undefined {
    while (this.ledger.redeliveries > 0) {
      const sequence = this.ledger.nextRedelivery(this.#exhausted);
      if (sequence === 0) return undefined;
      const message = this.#stream.load(sequence);
      if (message !== undefined) return message;
      this.ledger.forget(sequence, this.delivered);
      this.#output.changed();
    }
    return undefined;
  }

  #settleOne(streamSequence: number, consumerSequence: number, now: number): void {
    if (this.config.ack_policy === 'none') return;
    this.ledger.acknowledge(streamSequence, consumerSequence, this.delivered, this.#released);
    this.lastAcknowledgedAt = now;
    this.#output.changed();
  }

  #nak(
    argument: string,
    streamSequence: number,
    consumerSequence: number,
    deliveries: number,
    now: number,
  ): void {
    if (!this.ledger.canNak(streamSequence, consumerSequence, this.delivered)) return;
    this.#output.event({ kind: 'nak', consumerSequence, streamSequence, deliveries });
    const delay = readNakDelay(argument);
    if (delay === undefined) this.ledger.nak(streamSequence);
    else this.ledger.nakLater(streamSequence, delay, now);
    this.#output.changed();
  }

  #sample(streamSequence: number, consumerSequence: number, deliveries: number, now: number): void {
    if (this.config.sample_freq === '' || this.config.ack_policy !== 'explicit') return;
    const percent = Number.parseInt(this.config.sample_freq, 10);
    const deliveredAt = this.ledger.pending.timeOf(streamSequence);
    if (deliveredAt === 0 || this.#setting.random() * 100 >= percent) return;
    const delay = now - deliveredAt;
    this.#output.event({ kind: 'acknowledged', consumerSequence, streamSequence, deliveries, delay });
  }

  #flowControlSubject(): string {
    const unique = Math.floor(this.#setting.random() * 36 ** 4)
      .toString(36)
      .padStart(4, '0');
    return `$JS.FC.${this.#stream.name}.${this.name}.${unique}`;
  }
}

/**
 * The filter of a consumer; undefined when it gets everything, also because its filter is the stream's only subject.
 */
export function filterOf(config: ConsumerConfig, stream: ConsumerStream): SubjectFilter | undefined {
  const { filter_subject } = config;
  const { subjects } = stream.config;
  if (filter_subject === '' || (subjects.length === 1 && subjects[0] === filter_subject)) return undefined;
  return new SubjectFilter(filter_subject);
}
