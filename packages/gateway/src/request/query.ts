/**
 * The query string, decoded once: `name=value` pairs joined by `&`, `+` for a space (WHATWG form encoding), escapes in
 * UTF-8. A broken escape is refused by name; an empty pair is refused too, as it only ever is a mistake or a probe.
 */
import { badParameter, Refusal } from '../refusal.ts';

/** Values by name, in the order sent. */
export type Query = ReadonlyMap<string, readonly string[]>;

const none: Query = new Map();

/** @throws Refusal `invalid_argument` naming the parameter at fault. */
export function parseQuery(raw: string): Query {
  if (raw === '') return none;
  const query = new Map<string, string[]>();
  for (const pair of raw.split('&')) {
    const equals = pair.indexOf('=');
    const rawName = equals === -1 ? pair : pair.slice(0, equals);
    const name = decode(rawName, rawName);
    if (name === '') throw new Refusal('invalid_argument', 'the query has a parameter without a name');
    const value = equals === -1 ? '' : decode(pair.slice(equals + 1), name);
    const values = query.get(name);
    if (values) values.push(value);
    else query.set(name, [value]);
  }
  return query;
}

function decode(text: string, parameter: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  if (!spaced.includes('%')) return spaced;
  let decoded: string;
  try {
    decoded = decodeURIComponent(spaced);
  } catch {
    throw badParameter('query', parameter, 'has an escape that is not two hex digits or not UTF-8');
  }
  if (decoded.includes('\0')) throw badParameter('query', parameter, 'has a NUL character');
  return decoded;
}
