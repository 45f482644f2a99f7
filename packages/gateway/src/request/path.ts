/**
 * The strict path policy. A request target has exactly one reading here, or it is refused: whoever routes, authorises,
 * limits or logs works on the same decoded segments, and no second decoding anywhere can change them.
 *
 * Refused: anything but origin-form (RFC 9112 §3.2), a fragment, a backslash, `;` parameters, characters outside
 * RFC 3986 `pchar`, empty and dot segments, escapes of `/`, `\` and controls, escapes of unreserved characters (never
 * needed, RFC 3986 §2.3, and the usual way to hide a path), escapes of `%` that spell another escape, escapes that
 * are not UTF-8.
 */
import { ambiguous } from '../refusal.ts';

export interface CanonicalPath {
  /** Decoded segments; none for `/`. */
  readonly segments: readonly string[];
  /** The raw path, which the policy has made unambiguous. */
  readonly path: string;
  /** The raw query without `?`; empty when there is none. */
  readonly query: string;
}

const unreserved = /[A-Za-z0-9._~-]/;
const pathCharacters = characterTable(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@%",
);
const queryCharacters = characterTable(
  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,;=:@%/?",
);

function characterTable(allowed: string): Uint8Array {
  const table = new Uint8Array(128);
  for (const character of allowed) table[character.charCodeAt(0)] = 1;
  return table;
}

/** @throws Refusal `invalid_argument` for a target that is not in origin-form or has more than one reading. */
export function canonicalPath(target: string): CanonicalPath {
  if (!target.startsWith('/')) {
    throw ambiguous("the request target must be a path that starts with '/' (origin-form)");
  }
  const mark = target.indexOf('?');
  const path = mark === -1 ? target : target.slice(0, mark);
  const query = mark === -1 ? '' : target.slice(mark + 1);
  requireCharacters(query, queryCharacters, 'query');
  if (path === '/') return { segments: [], path, query };
  const raw = path.slice(1).split('/');
  const segments: string[] = [];
  for (const segment of raw) segments.push(canonicalSegment(segment));
  return { segments, path, query };
}

function canonicalSegment(segment: string): string {
  if (segment === '') throw ambiguous("the path has an empty segment: remove the doubled or trailing '/'");
  if (segment === '.' || segment === '..')
    throw ambiguous('the path has a dot segment: send the path it stands for');
  requireCharacters(segment, pathCharacters, 'path');
  if (!segment.includes('%')) return segment;
  for (let at = segment.indexOf('%'); at !== -1; at = segment.indexOf('%', at + 1)) {
    const escaped = segment.slice(at + 1, at + 3);
    if (!/^[0-9A-Fa-f]{2}$/.test(escaped))
      throw ambiguous("the path has a '%' that is not followed by two hex digits");
    const byte = Number.parseInt(escaped, 16);
    if (byte < 0x20 || byte === 0x7f) throw ambiguous('the path has an escaped control character');
    if (byte === 0x2f || byte === 0x5c) throw ambiguous('the path has an escaped slash or backslash');
    if (byte < 0x80 && unreserved.test(String.fromCharCode(byte))) {
      throw ambiguous(
        `the path escapes '${String.fromCharCode(byte)}', which needs no escape: send it plain`,
      );
    }
    if (byte === 0x25 && /^[0-9A-Fa-f]{2}/.test(segment.slice(at + 3))) {
      throw ambiguous('the path is percent-encoded twice');
    }
  }
  try {
    return decodeURIComponent(segment);
  } catch {
    throw ambiguous('the path has escapes that are not UTF-8');
  }
}

function requireCharacters(text: string, allowed: Uint8Array, where: string): void {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 128 || allowed[code] === 0) {
      const shown = code > 0x20 && code < 0x7f ? `'${String.fromCharCode(code)}'` : `0x${code.toString(16)}`;
      throw ambiguous(`the ${where} has the character ${shown}, which a request target may not hold here`);
    }
  }
}
