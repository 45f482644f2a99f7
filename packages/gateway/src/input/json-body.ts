/**
 * The JSON body of a request. Where it is the whole input its bytes go to the service as they came. Where fields from
 * the path, the query or headers join it, it is parsed once to prove that it is one JSON value and names none of those
 * fields, and then its text is joined, not re-serialised: numbers keep their digits and `__proto__` is only a name.
 */
import { isUtf8 } from 'node:buffer';
import { Refusal } from '../refusal.ts';
import { findJsonFault } from './json-syntax.ts';

const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset=(?:utf-8|"utf-8"))?[ \t]*;?$/i;

/** @throws Refusal `unsupported_media_type` unless the body is plain JSON in UTF-8. */
export function requireJson(headers: ReadonlyMap<string, string>): void {
  const type = headers.get('content-type');
  if (type === undefined || !jsonType.test(type)) {
    const given =
      type === undefined ? 'the request has no Content-Type' : `the body is '${type.slice(0, 100)}'`;
    throw new Refusal('unsupported_media_type', `${given}: send application/json in UTF-8`);
  }
  const coding = headers.get('content-encoding')?.toLowerCase();
  if (coding !== undefined && coding !== 'identity') {
    throw new Refusal(
      'unsupported_media_type',
      `the body is encoded as '${coding.slice(0, 100)}': send it plain`,
    );
  }
}

/** @throws Refusal `invalid_argument` when the bytes are not UTF-8 or begin with a byte order mark. */
export function requireUtf8(body: Buffer): void {
  if (!isUtf8(body)) throw badBody('the body is not UTF-8');
  if (body[0] === 0xef && body[1] === 0xbb && body[2] === 0xbf) {
    throw badBody('the body begins with a byte order mark, which JSON does not have');
  }
}

export interface JsonText {
  readonly text: string;
  readonly value: unknown;
}

/** @throws Refusal `invalid_argument` with line and column of the first fault. */
export function parseBody(body: Buffer): JsonText {
  requireUtf8(body);
  const text = body.toString('utf8');
  try {
    return { text, value: JSON.parse(text) as unknown };
  } catch (cause) {
    const fault = findJsonFault(text);
    if (!fault) throw badBody('the body is not JSON', cause);
    throw badBody(
      `the body is not JSON: ${fault.message} at line ${fault.line}, column ${fault.column} (offset ${fault.offset})`,
      cause,
    );
  }
}

/** The refusal of a body that is no JSON; undefined for one that is. */
export function syntaxFault(body: Buffer): Refusal | undefined {
  try {
    parseBody(body);
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error;
    throw error;
  }
}

/** The members of an object body, without its braces, to be joined with other members. */
export function objectMembers(body: Buffer, takenFields: ReadonlySet<string>): string {
  const { text, value } = parseBody(body);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw badBody('the body must be a JSON object');
  }
  for (const key of Object.keys(value)) {
    if (takenFields.has(key)) {
      throw new Refusal('invalid_argument', `the body names '${key}', which does not belong in the body`, {
        errors: [
          { in: 'body', pointer: `/${escapePointer(key)}`, detail: 'this field does not come from the body' },
        ],
      });
    }
  }
  return text.slice(text.indexOf('{') + 1, text.lastIndexOf('}')).trim();
}

/** One part of a JSON pointer (RFC 6901 §3). */
export function escapePointer(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}

function badBody(detail: string, cause?: unknown): Refusal {
  return new Refusal('invalid_argument', detail, { errors: [{ in: 'body', pointer: '', detail }], cause });
}
