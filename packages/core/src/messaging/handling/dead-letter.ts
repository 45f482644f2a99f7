/**
 * Writes dead letters: the message as it was, with the reason, the error, the number of attempts and the origin in headers. A message
 * counts as done only once its dead letter is stored; while it cannot be stored, the message waits.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { FlotillaError, toFlotillaError } from '../../errors/flotilla-error.ts';
import type { Logger } from '../../telemetry/log.ts';
import { asHeaders, encodeValue, headerBlock, headerLine, headerLines } from '../headers.ts';
import { Outgoing, type PublishAck, type Publisher } from '../publishing/publisher.ts';
import { type DeadLetterReason, header, type Topology } from '../topology.ts';
import type { InHand } from './message.ts';

export interface DeadLettersOptions {
  readonly publisher: Publisher;
  readonly topology: Topology;
  readonly instance: string;
  readonly log: Logger;
}

const tryMs = 10_000;
const pauseMs = 1_000;
/** Characters of a message and of a stack; a header block has to stay small. */
const mostText = 1_000;
const mostStack = 4_000;

/** Headers that belong to where the message was before, not to the message. */
const dropped: ReadonlySet<string> = new Set<string>([
  header.messageId,
  header.expectedLastSubjectSequence,
  header.due,
]);

export class DeadLetters {
  readonly #publisher: Publisher;
  readonly #topology: Topology;
  readonly #instance: string;
  readonly #log: Logger;

  constructor({ publisher, topology, instance, log }: DeadLettersOptions) {
    this.#publisher = publisher;
    this.#topology = topology;
    this.#instance = instance;
    this.#log = log;
  }

  /** Resolves once it is stored, and tries for ever; rejects with the signal's reason. */
  async write(
    message: InHand,
    group: string,
    reason: DeadLetterReason,
    error: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const fields = { event: message.type, id: message.id, group, reason, attempts: message.attempt };
    this.#log.error('a message became a dead letter', { ...fields, error });
    const subject = this.#topology.deadLetterSubject(message.service, group, message.event);
    const block = headerBlock(this.#lines(message, group, reason, error));
    for (;;) {
      signal.throwIfAborted();
      try {
        await this.#send(subject, block, message.raw.data);
        return;
      } catch (cause) {
        this.#log.error('a dead letter cannot be stored: its message waits', { ...fields, error: cause });
      }
      await delay(pauseMs, undefined, { signal });
    }
  }

  #send(subject: string, block: Buffer, payload: Uint8Array): Promise<PublishAck> {
    const dueAt = performance.now() + tryMs;
    return new Promise((resolve, reject) => {
      this.#publisher.send(new Outgoing(subject, asHeaders(block), payload, dueAt, resolve, reject));
    });
  }

  #lines(message: InHand, group: string, reason: DeadLetterReason, error: unknown): string {
    const { stream, sequence, attempt, firstAttemptMs, raw, headers } = message;
    const { code, text, stack } = describe(error);
    let kept = '';
    for (const [name, value] of headers.entries()) {
      if (!dropped.has(name) && !name.startsWith('flotilla-')) kept += headerLine(name, value);
    }
    return (
      headerLine(header.messageId, `dead:${group}:${stream}:${sequence}`) +
      kept +
      headerLines([
        [header.group, group],
        [header.reason, reason],
        [header.error, encodeValue(`${code}: ${text}`)],
        [header.stack, encodeValue(stack)],
        [header.attempts, String(attempt)],
        [header.firstAttempt, String(Math.round(firstAttemptMs))],
        [header.lastAttempt, String(Date.now())],
        [header.instance, encodeValue(this.#instance)],
        // Of what was given back to its group: where it lay at first.
        [header.originStream, headers.get(header.originStream) ?? stream],
        [header.originSequence, headers.get(header.originSequence) ?? String(sequence)],
        [header.originSubject, headers.get(header.originSubject) ?? raw.subject],
        [header.redrives, String(message.redrives)],
      ])
    );
  }
}

function describe(error: unknown): { code: string; text: string; stack: string } {
  const code = error instanceof FlotillaError ? error.code : toFlotillaError(error).code;
  const text = error instanceof Error ? error.message : String(error);
  let stack = '';
  for (let at: unknown = error; at instanceof Error && stack.length < mostStack; at = at.cause) {
    stack += `${stack === '' ? '' : '\ncaused by: '}${at.stack ?? at.message}`;
  }
  return { code, text: text.slice(0, mostText), stack: stack.slice(0, mostStack) };
}
