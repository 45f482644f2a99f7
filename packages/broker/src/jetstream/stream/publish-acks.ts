/**
 * Acknowledgements of published messages: collected while a batch is open, sent in the order of the messages when it
 * is on disk. Written by hand into one buffer per batch; the texts are those of nats-server.
 */
import { Message } from '../../routing/message.ts';
import type { Router } from '../../routing/router.ts';
import type { Subscriber } from '../../routing/subscription.ts';
import type { ApiErrorBody } from '../api/api-error.ts';
import type { Commits } from '../store/commits.ts';

const DUPLICATE = ',"duplicate": true}';
/** Digits of the largest safe integer. */
const MOST_DIGITS = 16;
const CLOSING = 0x7d;

export class PublishAcks {
  readonly #router: Router;
  readonly #origin: Subscriber;
  readonly #commits: Commits;
  readonly #name: string;
  readonly #prefix: Buffer;
  readonly #message = new Message();
  readonly #send = (): void => this.#sendAll();
  #replies: string[] = [];
  /** Sequence of a stored message, or -1 - sequence of a duplicate, or NaN for a refusal. */
  #outcomes: number[] = [];
  #refusals: ApiErrorBody[] = [];

  /** @param origin who publishes them. */
  constructor(router: Router, origin: Subscriber, commits: Commits, stream: string) {
    this.#router = router;
    this.#origin = origin;
    this.#commits = commits;
    this.#name = stream;
    this.#prefix = Buffer.from(`{"stream":${JSON.stringify(stream)}, "seq":`);
  }

  stored(reply: string, sequence: number): void {
    this.#add(reply, sequence);
  }

  /** @param sequence under which the message was stored the first time. */
  duplicate(reply: string, sequence: number): void {
    this.#add(reply, -1 - sequence);
  }

  refused(reply: string, error: ApiErrorBody): void {
    this.#refusals.push(error);
    this.#add(reply, Number.NaN);
  }

  #add(reply: string, outcome: number): void {
    this.#outcomes.push(outcome);
    if (this.#replies.push(reply) === 1) this.#commits.afterCommit(this.#send);
  }

  #sendAll(): void {
    const replies = this.#replies;
    const outcomes = this.#outcomes;
    const refusals = this.#refusals;
    this.#replies = [];
    this.#outcomes = [];
    this.#refusals = [];
    // Fresh memory for every batch: an in-process receiver may keep its slice.
    const buffer = Buffer.allocUnsafe(
      replies.length * (this.#prefix.length + MOST_DIGITS + DUPLICATE.length),
    );
    const message = this.#message;
    message.headerLength = 0;
    let used = 0;
    let refused = 0;
    for (let i = 0; i < replies.length; i++) {
      const outcome = outcomes[i]!;
      message.subject = replies[i]!;
      if (Number.isNaN(outcome)) {
        message.bytes = this.#refusal(refusals[refused++]!);
        message.start = 0;
        message.end = message.bytes.length;
      } else {
        message.bytes = buffer;
        message.start = used;
        used = this.#write(buffer, used, outcome);
        message.end = used;
      }
      this.#router.answer(this.#origin, message);
    }
  }

  #write(buffer: Buffer, start: number, outcome: number): number {
    const prefix = this.#prefix;
    let used = start;
    for (let i = 0; i < prefix.length; i++) buffer[used++] = prefix[i]!;
    used = writeDecimal(buffer, used, outcome < 0 ? -1 - outcome : outcome);
    if (outcome >= 0) buffer[used++] = CLOSING;
    else for (let i = 0; i < DUPLICATE.length; i++) buffer[used++] = DUPLICATE.charCodeAt(i);
    return used;
  }

  #refusal(error: ApiErrorBody): Buffer {
    return Buffer.from(JSON.stringify({ error, stream: this.#name, seq: 0 }));
  }
}

function writeDecimal(buffer: Buffer, start: number, value: number): number {
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = start + digits - 1; i >= start; i--) {
    const quotient = Math.floor(rest / 10);
    buffer[i] = 0x30 + (rest - quotient * 10);
    rest = quotient;
  }
  return start + digits;
}
