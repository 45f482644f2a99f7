/** Which dead letters a command line means. */

import type { DeadLetterFilter } from 'flotilla/operators';
import { Failure } from '../failure.ts';
import { parseTime } from '../streams/stream-position.ts';

export interface LetterOptions {
  readonly group?: string;
  readonly service?: string;
  readonly event?: string;
  readonly since?: string;
  /** `key=value` */
  readonly filter?: readonly string[];
}

const KEYS = ['group', 'service', 'event', 'reason', 'code', 'key', 'id', 'since', 'until'] as const;

/**
 * `--event` takes `placed` as well as `orders.placed`.
 *
 * @param now Unix time in milliseconds.
 * @throws Failure `usage`
 */
export function letterFilter(options: LetterOptions, now: number): DeadLetterFilter {
  const { filter = [], ...named } = options;
  const wanted = new Map<string, string>();
  const want = (name: string, value: string): void => {
    if (wanted.has(name) && wanted.get(name) !== value) {
      throw new Failure('usage', `two different values for ${name}: no dead letter has both`);
    }
    wanted.set(name, value);
  };
  for (const name of KEYS) {
    const value = name in named ? named[name as keyof typeof named] : undefined;
    if (value !== undefined) want(name, value);
  }
  for (const text of filter) {
    const [, name, value] = /^([a-z]+)=(.+)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined || !isKey(name)) {
      throw new Failure('usage', `--filter "${text}" is not understood`, {
        repair: `write key=value with one of ${KEYS.join(', ')}`,
      });
    }
    want(name, value);
  }
  const event = wanted.get('event');
  const [, service, ownName] = /^([^.]+)\.([^.]+)$/.exec(event ?? '') ?? [];
  if (service !== undefined && ownName !== undefined) {
    want('service', service);
    wanted.set('event', ownName);
  }
  const { since, until, id, ...texts } = Object.fromEntries(wanted);
  return {
    ...texts,
    ...(id === undefined ? {} : { ids: [id] }),
    ...(since === undefined ? {} : { since: parseTime('since', since, now) }),
    ...(until === undefined ? {} : { until: parseTime('until', until, now) }),
  };
}

function isKey(name: string): boolean {
  return KEYS.some((key) => key === name);
}

/** A number is a sequence in the stream of dead letters, anything else the id of a message. */
export function namedLetters(names: readonly string[]): Pick<DeadLetterFilter, 'ids' | 'sequences'> {
  const isSequence = (name: string): boolean => /^#?\d{1,15}$/.test(name);
  const sequences = names.filter(isSequence).map((name) => Number(name.replace('#', '')));
  const ids = names.filter((name) => !isSequence(name));
  return {
    ...(ids.length > 0 ? { ids } : {}),
    ...(sequences.length > 0 ? { sequences } : {}),
  };
}
