/** A dead letter as operators see it: the message that could not be handled, and what is known of why. */
import { decodeValue } from '../headers.ts';
import { type DeadLetterReason, header, type Topology } from '../topology.ts';
import type { StoredMessage } from './read-messages.ts';

export interface DeadLetter {
  /** In the stream of dead letters: names this one letter. */
  readonly sequence: number;
  /** The message's own id, the same in every group that gave it up. */
  readonly id: string;
  /** When it became a dead letter. */
  readonly time: Date;
  /** The event. */
  readonly service: string;
  readonly event: string;
  readonly key?: string;
  /** The group that could not handle it. */
  readonly group: string;
  readonly reason: DeadLetterReason | string;
  readonly error: { readonly code?: string; readonly message: string };
  readonly stack?: string;
  readonly attempts: number;
  readonly firstAttempt?: Date;
  readonly lastAttempt?: Date;
  /** That gave it up. */
  readonly instance?: string;
  /** How often it was redriven before. */
  readonly redrives: number;
  /** Where it was read. */
  readonly origin: { readonly stream: string; readonly sequence: number; readonly subject: string };
  /** When, and by which instance, it was published. */
  readonly published?: Date;
  readonly source?: string;
  /** All of them, as they are stored. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly payload: Uint8Array;
}

/** What is undefined does not matter. */
export interface DeadLetterFilter {
  readonly group?: string | undefined;
  readonly service?: string | undefined;
  readonly event?: string | undefined;
  readonly reason?: string | undefined;
  readonly key?: string | undefined;
  /** Code of the error. */
  readonly code?: string | undefined;
  /** Became a dead letter then or later. */
  readonly since?: Date | undefined;
  readonly until?: Date | undefined;
  /** Message ids and sequences: one of these. */
  readonly ids?: readonly string[] | undefined;
  readonly sequences?: readonly number[] | undefined;
}

/** Undefined for a message that is no dead letter of this fleet. */
export function readDeadLetter(topology: Topology, message: StoredMessage): DeadLetter | undefined {
  const { sequence, time, subject, headers, payload } = message;
  const address = topology.readDeadLetterSubject(subject);
  if (address === undefined) return undefined;
  const text = (name: string): string | undefined => {
    const value = headers.get(name);
    return value === undefined || value === '' ? undefined : decodeValue(value);
  };
  const number = (name: string): number => Number(headers.get(name)) || 0;
  const date = (value: string | number | undefined): Date | undefined => {
    const at = new Date(value ?? Number.NaN);
    return Number.isNaN(at.getTime()) || value === 0 ? undefined : at;
  };
  return {
    sequence,
    id: text(header.id) ?? text(header.messageId) ?? '',
    time,
    ...address,
    ...defined('key', text(header.key)),
    reason: text(header.reason) ?? 'unknown',
    error: readError(text(header.error) ?? ''),
    ...defined('stack', text(header.stack)),
    attempts: number(header.attempts),
    ...defined('firstAttempt', date(number(header.firstAttempt))),
    ...defined('lastAttempt', date(number(header.lastAttempt))),
    ...defined('instance', text(header.instance)),
    redrives: number(header.redrives),
    origin: {
      stream: text(header.originStream) ?? '',
      sequence: number(header.originSequence),
      subject: text(header.originSubject) ?? '',
    },
    ...defined('published', date(text(header.time))),
    ...defined('source', text(header.source)),
    headers: [...headers.entries()],
    payload,
  };
}

/** `code: message`; without a code all of it is the message. */
function readError(text: string): DeadLetter['error'] {
  const [, code, message] = /^([a-z][a-z0-9_]*): (.*)$/s.exec(text) ?? [];
  return code === undefined || message === undefined ? { message: text } : { code, message };
}

function defined<Name extends string, Value>(
  name: Name,
  value: Value | undefined,
): { readonly [name in Name]?: Value } {
  return value === undefined ? {} : ({ [name]: value } as { readonly [name in Name]: Value });
}

export function matches(letter: DeadLetter, filter: DeadLetterFilter): boolean {
  const { group, service, event, reason, key, code, since, until, ids, sequences } = filter;
  const same = (wanted: string | undefined, has: string | undefined) =>
    wanted === undefined || wanted === has;
  const named =
    (ids === undefined && sequences === undefined) ||
    ids?.includes(letter.id) === true ||
    sequences?.includes(letter.sequence) === true;
  return (
    named &&
    same(group, letter.group) &&
    same(service, letter.service) &&
    same(event, letter.event) &&
    same(reason, letter.reason) &&
    same(key, letter.key) &&
    same(code, letter.error.code) &&
    (since === undefined || letter.time >= since) &&
    (until === undefined || letter.time <= until)
  );
}
