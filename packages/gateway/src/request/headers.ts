/**
 * One reading of the header fields. Names that differ only in case or in `-`, `_` and `.` are taken as the same name,
 * because some reader behind or before us takes them so: an alias of a header that the gateway acts on is refused, and
 * the names that only the fleet may set are dropped in every spelling. `Connection` never removes anything, trailers
 * are never read.
 */
import { ambiguous, Refusal } from '../refusal.ts';

export interface CanonicalHeaders {
  /** Lower-case name → value; repeated list fields joined with `, `. */
  readonly values: ReadonlyMap<string, string>;
  /** Names that were sent more than once. */
  readonly repeated: ReadonlySet<string>;
}

/** Headers that the gateway acts on: each may come once, under its own name. */
const acted = new Set([
  'authorization',
  'content-encoding',
  'content-length',
  'content-type',
  'expect',
  'host',
  'idempotency-key',
  'last-event-id',
  'traceparent',
  'transfer-encoding',
  'x-request-id',
  'x-request-timeout',
]);

/** What a folded name starts with when only the fleet may set it. */
const reservedPrefixes = ['x-flotilla-', 'x-user-', 'x-authenticated-'];
const reservedNames = new Set(['x-user', 'x-flotilla', 'x-authenticated']);

/** Whether a header name, in any spelling, belongs to the fleet. A client's value for it never gets past the gateway. */
export function isReservedHeader(name: string): boolean {
  const folded = fold(name.toLowerCase());
  return reservedNames.has(folded) || reservedPrefixes.some((prefix) => folded.startsWith(prefix));
}

function fold(lowerCase: string): string {
  return lowerCase.replace(/[_.]/g, '-');
}

/**
 * @param raw names and values in turn, as received.
 * @param limit the most header fields a request may have.
 * @throws Refusal `invalid_argument`: 431 for too many fields, else 400.
 */
export function canonicalHeaders(raw: readonly string[], limit: number): CanonicalHeaders {
  if (raw.length / 2 > limit) {
    throw new Refusal('invalid_argument', `the request has more than ${limit} header fields`, {
      status: 431,
    });
  }
  const values = new Map<string, string>();
  const repeated = new Set<string>();
  const spelling = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    const name = raw[at]!.toLowerCase();
    const value = raw[at + 1]!;
    if (isReservedHeader(name)) continue;
    const folded = fold(name);
    const known = spelling.get(folded);
    if ((known !== undefined && known !== name) || (folded !== name && acted.has(folded))) {
      throw ambiguous(`the header '${name}' is another spelling of '${known ?? folded}'`);
    }
    spelling.set(folded, name);
    const earlier = values.get(name);
    if (earlier === undefined) {
      values.set(name, value);
      continue;
    }
    if (acted.has(name)) throw ambiguous(`the header '${name}' is sent more than once`);
    repeated.add(name);
    values.set(name, `${earlier}, ${value}`);
  }
  return { values, repeated };
}
