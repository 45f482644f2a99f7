/** A dead letter as a command tells it: what `--json` prints. */

import type { DeadLetter } from 'flotilla/operators';
import { content, type ToldMessage } from '../streams/told-message.ts';

/** Without what is only worth reading of one: see {@link ToldLetter}. */
export interface ListedLetter {
  readonly sequence: number;
  readonly id: string;
  readonly time: string;
  readonly service: string;
  readonly event: string;
  readonly key: string | null;
  readonly group: string;
  readonly reason: string;
  readonly error: { readonly code: string | null; readonly message: string };
  readonly attempts: number;
  readonly redrives: number;
}

export interface ToldLetter extends ListedLetter, Pick<ToldMessage, 'payload' | 'text' | 'base64'> {
  readonly stack: string | null;
  readonly firstAttempt: string | null;
  readonly lastAttempt: string | null;
  readonly instance: string | null;
  readonly origin: DeadLetter['origin'];
  readonly published: string | null;
  readonly source: string | null;
  readonly headers: DeadLetter['headers'];
}

export function listLetter(letter: DeadLetter): ListedLetter {
  const { sequence, id, time, service, event, key, group, reason, error, attempts, redrives } = letter;
  return {
    sequence,
    id,
    time: time.toISOString(),
    service,
    event,
    key: key ?? null,
    group,
    reason,
    error: { code: error.code ?? null, message: error.message },
    attempts,
    redrives,
  };
}

export function tellLetter(letter: DeadLetter): ToldLetter {
  const { stack, firstAttempt, lastAttempt, instance, origin, published, source, headers, payload } = letter;
  return {
    ...listLetter(letter),
    stack: stack ?? null,
    firstAttempt: firstAttempt?.toISOString() ?? null,
    lastAttempt: lastAttempt?.toISOString() ?? null,
    instance: instance ?? null,
    origin,
    published: published?.toISOString() ?? null,
    source: source ?? null,
    headers,
    ...content(payload),
  };
}
