/**
 * Which byte sequences are subjects. Tokens are separated by dots and are not empty; a token that is exactly `*`
 * stands for one token, a last token that is exactly `>` for one or more.
 */

const DOT = 0x2e;
const STAR = 0x2a;
const TAIL = 0x3e;

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** What SUB accepts. */
export function isSubscribable(subject: string): boolean {
  let tokenStart = 0;
  let ended = false;
  for (let i = 0; i <= subject.length; i++) {
    const code = i === subject.length ? DOT : subject.charCodeAt(i);
    if (code === DOT) {
      if (i === tokenStart || ended) return false;
      ended = i === tokenStart + 1 && subject.charCodeAt(tokenStart) === TAIL;
      tokenStart = i + 1;
    } else if (isSpace(code)) return false;
  }
  return true;
}

/** What a pedantic client may publish to: a subject without wildcards. */
export function isLiteral(subject: string): boolean {
  let tokenStart = 0;
  for (let i = 0; i <= subject.length; i++) {
    if (i !== subject.length && subject.charCodeAt(i) !== DOT) continue;
    if (i === tokenStart) return false;
    if (i === tokenStart + 1) {
      const only = subject.charCodeAt(tokenStart);
      if (only === STAR || only === TAIL) return false;
    }
    tokenStart = i + 1;
  }
  return true;
}
