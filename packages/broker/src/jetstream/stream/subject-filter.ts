/**
 * Matching a literal subject against a filter with wildcards, without allocating: the filter is cut up once, the
 * subject is walked by character. Subjects are wire text.
 */

const DOT = 0x2e;

export class SubjectFilter {
  /** The filter as it was given. */
  readonly subject: string;
  /** Whether it names exactly one subject. */
  readonly isLiteral: boolean;
  /** What every matching subject begins with: the literal tokens in front of the first wildcard, with their dot. */
  readonly prefix: string;
  readonly #tokens: readonly string[];
  readonly #hasTail: boolean;

  /** @param subject valid for SUB; see `isSubscribable`. */
  constructor(subject: string) {
    this.subject = subject;
    const tokens = subject.split('.');
    this.#hasTail = tokens.at(-1) === '>';
    this.#tokens = this.#hasTail ? tokens.slice(0, -1) : tokens;
    const wildcard = tokens.findIndex((token, index) => isWildcard(token, index === tokens.length - 1));
    this.isLiteral = wildcard === -1;
    this.prefix = this.isLiteral
      ? subject
      : tokens
          .slice(0, wildcard)
          .map((token) => `${token}.`)
          .join('');
  }

  matches(subject: string): boolean {
    if (this.isLiteral) return subject === this.subject;
    if (!subject.startsWith(this.prefix)) return false;
    let start = 0;
    for (const token of this.#tokens) {
      if (start > subject.length) return false;
      let end = start;
      while (end < subject.length && subject.charCodeAt(end) !== DOT) end++;
      if (token !== '*' && !(token.length === end - start && subject.startsWith(token, start))) return false;
      start = end + 1;
    }
    return this.#hasTail ? start < subject.length : start === subject.length + 1;
  }
}

function isWildcard(token: string, last: boolean): boolean {
  return token === '*' || (token === '>' && last);
}

/** Whether some subject matches both. */
export function overlap(one: string, other: string): boolean {
  const a = one.split('.');
  const b = other.split('.');
  for (let i = 0; ; i++) {
    const atEndOfA = i === a.length;
    const atEndOfB = i === b.length;
    if (atEndOfA || atEndOfB) return atEndOfA && atEndOfB;
    if (a[i] === '>' || b[i] === '>') return true;
    if (a[i] !== b[i] && a[i] !== '*' && b[i] !== '*') return false;
  }
}

/** Whether every subject that matches `part` also matches `whole`. */
export function covers(whole: string, part: string): boolean {
  const w = whole.split('.');
  const p = part.split('.');
  for (let i = 0; ; i++) {
    if (i === w.length || i === p.length) return i === w.length && i === p.length;
    if (w[i] === '>') return true;
    if (p[i] === '>' || (w[i] !== '*' && w[i] !== p[i])) return false;
  }
}
