/**
 * Sends messages to streams and waits for their acknowledgements: at least once, under one id, until the deadline.
 *
 * Hot path: one inbox subscription for all acknowledgements and one timer for all deadlines, where the client library's `request`
 * makes a timer, a promise and a mux entry each.
 */
import { createInbox, type Msg, type MsgHdrs, type Subscription } from '@nats-io/nats-core';
import { type FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { statusOf } from '../headers.ts';
import { type ApiErrorBody, apiError } from '../jetstream/api-error.ts';
import type { BrokerLink } from '../jetstream/broker-link.ts';
import { AckWindow, type Flight } from './ack-window.ts';

/** What the stream says when it has a message. */
export interface PublishAck {
  readonly stream: string;
  readonly seq: number;
  /** It had the message already. */
  readonly duplicate?: boolean;
}

export interface PublisherOptions {
  readonly link: BrokerLink;
  readonly log: Logger;
  /** Messages under way at a time. Default 1024. */
  readonly maxUnderWay?: number;
  /** Messages that wait for their turn; more are refused as `overloaded`. Default 16,384. */
  readonly maxWaiting?: number;
  /** Nobody takes messages of this subject: its stream may not exist any more. */
  readonly onNoStream?: (subject: string) => void;
}

/** One message. */
export class Outgoing implements Flight {
  token = 0;
  sentAt = Number.NaN;
  tries = 0;
  retryAt = Number.NaN;
  readonly dueAt: number;
  readonly subject: string;
  readonly headers: MsgHdrs | undefined;
  readonly payload: Uint8Array;
  readonly #done: (ack: PublishAck) => void;
  readonly #failed: (error: FlotillaError) => void;

  /** @param dueAt monotonic milliseconds (`performance.now()`). */
  constructor(
    subject: string,
    headers: MsgHdrs | undefined,
    payload: Uint8Array,
    dueAt: number,
    done: (ack: PublishAck) => void,
    failed: (error: FlotillaError) => void,
  ) {
    this.subject = subject;
    this.headers = headers;
    this.payload = payload;
    this.dueAt = dueAt;
    this.#done = done;
    this.#failed = failed;
  }

  done(ack: PublishAck): void {
    this.#done(ack);
  }

  fail(error: FlotillaError): void {
    this.#failed(error);
  }
}

/** How long an acknowledgement is waited for before the message is sent again. */
const ackMs = 2_000;
const tickMs = 50;
const defaultUnderWay = 1_024;
const defaultWaiting = 16_384;

export class Publisher {
  readonly #link: BrokerLink;
  readonly #log: Logger;
  readonly #maxWaiting: number;
  readonly #onNoStream: (subject: string) => void;
  readonly #window: AckWindow<Outgoing>;
  readonly #inbox = `${createInbox()}.`;
  readonly #acks: Subscription;
  readonly #stopListening: () => void;
  #ticking: NodeJS.Timeout | undefined;
  #isClosed = false;
  #onIdle: (() => void) | undefined;

  constructor(options: PublisherOptions) {
    const { link, log, maxUnderWay = defaultUnderWay, maxWaiting = defaultWaiting } = options;
    this.#link = link;
    this.#log = log;
    this.#maxWaiting = maxWaiting;
    this.#onNoStream = options.onNoStream ?? (() => {});
    this.#window = new AckWindow({ limit: maxUnderWay, ackMs });
    this.#acks = link.connection.subscribe(`${this.#inbox}*`, {
      callback: (error, message) => {
        if (!error) this.#answered(message);
      },
    });
    if (!link.isUp) this.#window.lost();
    this.#stopListening = link.listen({
      lost: () => this.#window.lost(),
      back: () => this.#resend(this.#window.back(performance.now())),
      closed: () => this.close(),
    });
  }

  /** Messages that are not acknowledged. */
  get underWay(): number {
    return this.#window.underWay;
  }

  get waiting(): number {
    return this.#window.waiting;
  }

  send(outgoing: Outgoing): void {
    if (this.#isClosed) {
      outgoing.fail(closed());
      return;
    }
    if (this.#window.waiting >= this.#maxWaiting) {
      outgoing.fail(
        platformError(
          'overloaded',
          `${this.#window.waiting} messages wait to be published: await some before publishing more`,
          { data: { executed: 'no' } },
        ),
      );
      return;
    }
    this.#ticking ??= setInterval(() => this.#tick(), tickMs).unref();
    if (this.#window.offer(outgoing, performance.now())) this.#put(outgoing);
  }

  /** Nobody waits for it any more. */
  giveUp(outgoing: Outgoing, reason: FlotillaError): void {
    if (!this.#window.remove(outgoing)) return;
    outgoing.fail(reason);
    this.#continue();
  }

  /** Resolves once nothing is under way, or after `graceMs`. */
  async drain(graceMs: number): Promise<void> {
    if (this.#isIdle()) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, graceMs);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = undefined;
  }

  /** What is still under way fails, and so does everything that is sent from now on. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    clearInterval(this.#ticking);
    if (!this.#link.isClosed) this.#acks.unsubscribe();
    for (const outgoing of this.#window.clear()) outgoing.fail(closed(outgoing));
  }

  /** Hot path. */
  #put(outgoing: Outgoing): void {
    const { subject, payload, headers, token } = outgoing;
    const reply = this.#inbox + token.toString(36);
    try {
      this.#link.connection.publish(subject, payload, headers ? { reply, headers } : { reply });
    } catch (cause) {
      this.#window.end(token);
      outgoing.fail(cannotSend(outgoing, cause));
    }
  }

  #answered(message: Msg): void {
    const token = Number.parseInt(message.subject.slice(this.#inbox.length), 36);
    if (statusOf(message) === 503) {
      const postponed = this.#window.postpone(token, performance.now());
      if (postponed) this.#onNoStream(postponed.subject);
      return;
    }
    const ack = JSON.parse(textOf(message.data)) as PublishAck & { readonly error?: ApiErrorBody };
    if (ack.error) this.#refused(token, ack.error);
    else this.#window.end(token)?.done(ack);
    this.#continue();
  }

  /** What the broker cannot do at the moment (503) may work later; the rest never will. */
  #refused(token: number, body: ApiErrorBody): void {
    const error = apiError('publish', body);
    if (error.code === 'unavailable') {
      this.#window.postpone(token, performance.now());
      this.#log.debug('the broker cannot take a message at the moment', { error });
    } else this.#window.end(token)?.fail(error);
  }

  /** Room has become free. */
  #continue(): void {
    if (this.#window.waiting > 0) {
      const now = performance.now();
      for (let next = this.#window.next(now); next; next = this.#window.next(now)) this.#put(next);
    }
    if (this.#onIdle && this.#isIdle()) this.#onIdle();
  }

  #resend(outgoing: readonly Outgoing[]): void {
    for (const each of outgoing) this.#put(each);
    this.#continue();
  }

  #tick(): void {
    const { again, expired } = this.#window.tick(performance.now());
    for (const outgoing of expired) outgoing.fail(this.#tooLate(outgoing));
    this.#resend(again);
    if (this.#isIdle()) {
      clearInterval(this.#ticking);
      this.#ticking = undefined;
    }
  }

  #isIdle(): boolean {
    return this.#window.underWay === 0 && this.#window.waiting === 0;
  }

  #tooLate(outgoing: Outgoing): FlotillaError {
    const data = { executed: outgoing.tries === 0 ? 'no' : 'unknown' };
    if (!this.#link.isUp) {
      return platformError(
        'unavailable',
        `the broker is away: ${outgoing.subject} was not published in time. \`flotilla ps\` shows whether it runs`,
        { data },
      );
    }
    const tries = outgoing.tries === 1 ? 'once' : `${outgoing.tries} times`;
    return platformError(
      'deadline_exceeded',
      outgoing.tries === 0
        ? `${outgoing.subject} waited behind other messages until its deadline: publish fewer at once, or allow more time`
        : `${outgoing.subject} was sent ${tries} and never acknowledged: its stream does not answer`,
      { data },
    );
  }
}

function closed(outgoing?: Outgoing): FlotillaError {
  return platformError('unavailable', 'this process is stopping: nothing is published any more', {
    data: { executed: outgoing && outgoing.tries > 0 ? 'unknown' : 'no' },
  });
}

function cannotSend({ subject, payload }: Outgoing, cause: unknown): FlotillaError {
  const { message } = cause as Error;
  const data = { executed: 'no' };
  if (message.includes('max_payload')) {
    return platformError(
      'payload_too_large',
      `${subject}: ${payload.length} bytes are more than the broker takes (its max_payload)`,
      { cause, data },
    );
  }
  return platformError('unavailable', `${subject} cannot be sent: ${message}`, { cause, data });
}

function textOf(data: Uint8Array): string {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8');
}
