/**
 * Where a JSON text (RFC 8259) goes wrong. `JSON.parse` does the parsing; its messages give a position only sometimes,
 * so this scanner finds it, and runs only after a failure. It keeps its own stack: nesting depth costs no call stack.
 */

export interface JsonFault {
  /** Zero-based offset in UTF-16 code units. */
  readonly offset: number;
  /** One-based. */
  readonly line: number;
  /** One-based. */
  readonly column: number;
  readonly message: string;
}

const numberPattern = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const words = ['true', 'false', 'null'];

/** The first fault of `text`, or undefined when it is JSON. */
export function findJsonFault(text: string): JsonFault | undefined {
  const closers: string[] = [];
  let at = skipSpace(text, 0);
  let expects: 'value' | 'value or ]' | 'key' | 'key or }' | 'next' = 'value';
  for (;;) {
    const character = text[at];
    if (expects === 'next') {
      const closer = closers.at(-1);
      if (closer === undefined) {
        return at === text.length ? undefined : fault(text, at, 'expected the end of the text');
      }
      if (character === closer) {
        closers.pop();
        at = skipSpace(text, at + 1);
      } else if (character === ',') {
        expects = closer === '}' ? 'key' : 'value';
        at = skipSpace(text, at + 1);
      } else return fault(text, at, `expected ',' or '${closer}'`);
      continue;
    }
    if (expects === 'key' || expects === 'key or }') {
      if (character === '}' && expects === 'key or }') {
        closers.pop();
        expects = 'next';
        at = skipSpace(text, at + 1);
        continue;
      }
      if (character !== '"') return fault(text, at, 'expected a property name in double quotes');
      const end = stringEnd(text, at);
      if (typeof end !== 'number') return end;
      at = skipSpace(text, end);
      if (text[at] !== ':') return fault(text, at, "expected ':'");
      expects = 'value';
      at = skipSpace(text, at + 1);
      continue;
    }
    if (character === ']' && expects === 'value or ]') {
      closers.pop();
      at++;
    } else if (character === '{' || character === '[') {
      closers.push(character === '{' ? '}' : ']');
      expects = character === '{' ? 'key or }' : 'value or ]';
      at = skipSpace(text, at + 1);
      continue;
    } else {
      const end = scalarEnd(text, at);
      if (typeof end !== 'number') return end;
      at = end;
    }
    expects = 'next';
    at = skipSpace(text, at);
  }
}

function scalarEnd(text: string, at: number): number | JsonFault {
  if (text[at] === '"') return stringEnd(text, at);
  for (const word of words) if (text.startsWith(word, at)) return at + word.length;
  numberPattern.lastIndex = at;
  return numberPattern.test(text) ? numberPattern.lastIndex : fault(text, at, 'expected a value');
}

function stringEnd(text: string, start: number): number | JsonFault {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === 0x22) return at + 1;
    if (code < 0x20) return fault(text, at, 'a string holds an unescaped control character');
    if (code !== 0x5c) continue;
    at++;
    const escaped = text[at] ?? '';
    if (escaped === 'u') {
      if (!/^[0-9A-Fa-f]{4}$/.test(text.slice(at + 1, at + 5))) {
        return fault(text, at - 1, "expected four hex digits after '\\u'");
      }
      at += 4;
    } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) return fault(text, at - 1, 'unknown escape');
  }
  return fault(text, text.length, 'a string has no end');
}

function skipSpace(text: string, from: number): number {
  let at = from;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code !== 0x20 && code !== 0x0a && code !== 0x0d && code !== 0x09) break;
  }
  return at;
}

function fault(text: string, offset: number, message: string): JsonFault {
  const before = text.slice(0, offset);
  const lineStart = before.lastIndexOf('\n') + 1;
  return {
    offset,
    line: before.split('\n').length,
    column: offset - lineStart + 1,
    message:
      offset >= text.length && !message.startsWith('a string') ? `${message}, but the text ends` : message,
  };
}
