/**
 * Finds what a TypeScript source imports, by reading its tokens: static imports and re-exports, `import()`,
 * `import.meta.resolve()` and `require()`. Text inside comments, strings, templates and regular expressions is not
 * mistaken for code.
 */
export interface Import {
  readonly specifier: string;
  /** Counted from 1. */
  readonly line: number;
  /** An `import type` or `export type … from`, of which nothing is left at run time. */
  readonly typeOnly: boolean;
}

interface Token {
  readonly kind: 'word' | 'string' | 'mark';
  readonly text: string;
  readonly line: number;
}

export function importsOf(source: string): Import[] {
  const tokens = tokenize(source);
  const found: Import[] = [];
  const text = (at: number) => (tokens[at]?.kind === 'string' ? undefined : tokens[at]?.text);
  const take = (at: number, typeOnly: boolean) => {
    const token = tokens[at];
    if (token?.kind === 'string') found.push({ specifier: token.text, line: token.line, typeOnly });
  };
  for (let at = 0; at < tokens.length; at++) {
    if (tokens[at]?.kind !== 'word' || text(at - 1) === '.') continue;
    const word = text(at);
    if (word === 'require' && text(at + 1) === '(') take(at + 2, false);
    if (word !== 'import' && word !== 'export') continue;
    if (word === 'import' && text(at + 1) === '(') take(at + 2, false);
    else if (word === 'import' && text(at + 1) === '.') {
      if (text(at + 3) === '.' && text(at + 4) === 'resolve' && text(at + 5) === '(') take(at + 6, false);
    } else if (word === 'import' && tokens[at + 1]?.kind === 'string') take(at + 1, false);
    else {
      const typeOnly = text(at + 1) === 'type' && text(at + 2) !== 'from' && text(at + 2) !== ',';
      const clause = at + (typeOnly ? 2 : 1);
      const end =
        word === 'import' || text(clause) === '{' || text(clause) === '*' ? clauseEnd(tokens, clause) : -1;
      if (end >= 0) take(end + 1, typeOnly);
    }
  }
  return found;
}

/** The index of the `from` that ends an import or export clause, or -1 when this is no such clause. */
function clauseEnd(tokens: readonly Token[], start: number): number {
  let depth = 0;
  for (let at = start; at < tokens.length; at++) {
    const { kind, text } = tokens[at]!;
    if (kind === 'string' && depth === 0) return -1;
    if (text === '{') depth++;
    else if (text === '}') depth--;
    else if (depth === 0 && text === 'from' && tokens[at + 1]?.kind === 'string') return at;
    else if (depth === 0 && kind === 'mark' && text !== ',' && text !== '*') return -1;
    else if (depth === 0 && at > start && tokens[at - 1]?.text === '}' && text !== ',') return -1;
  }
  return -1;
}

/** After these words a slash begins a regular expression; after any other word or a value it divides. */
const beforeExpression = new Set(
  'return typeof case do else in of instanceof new void delete throw yield await default extends'.split(' '),
);
const lexeme =
  /\s+|\/\/[^\n]*|\/\*[\s\S]*?\*\/|(?<word>[\p{ID_Start}$_#][\p{ID_Continue}$\u200c\u200d]*|\.?\d[\w.]*)|(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")|(?<mark>[\s\S])/uy;
const regex = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y;
const templatePart = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y;

function tokenize(source: string): Token[] {
  const tokens: Token[] = [];
  /** For each open brace: whether it is the `${` of a template. */
  const braces: boolean[] = [];
  let at = 0;
  let line = 1;
  const advance = (to: number) => {
    for (let i = source.indexOf('\n', at); i >= 0 && i < to; i = source.indexOf('\n', i + 1)) line++;
    at = to;
  };
  const match = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    return pattern.exec(source);
  };
  const template = () => {
    const part = match(templatePart);
    if (part?.[0].endsWith('{')) braces.push(true);
    advance(at + (part?.[0].length ?? source.length));
  };
  while (at < source.length) {
    const found = match(lexeme)!;
    const { word, string, mark } = found.groups!;
    if (mark === '/' && expressionExpected(tokens.at(-1))) {
      const literal = match(regex);
      if (literal) {
        tokens.push({ kind: 'string', text: '', line });
        advance(at + literal[0].length);
        continue;
      }
    }
    const begins = line;
    advance(at + found[0].length);
    if (word !== undefined) tokens.push({ kind: 'word', text: word, line: begins });
    else if (string !== undefined) tokens.push({ kind: 'string', text: string.slice(1, -1), line: begins });
    else if (mark === '`') {
      // A template is a value, but never the specifier of a static import.
      tokens.push({ kind: 'mark', text: ')', line: begins });
      template();
    } else if (mark === '}' && braces.pop()) template();
    else if (mark !== undefined) {
      if (mark === '{') braces.push(false);
      tokens.push({ kind: 'mark', text: mark, line: begins });
    }
  }
  return tokens;
}

function expressionExpected(previous: Token | undefined): boolean {
  if (!previous) return true;
  if (previous.kind === 'word') return beforeExpression.has(previous.text);
  return previous.kind === 'mark' && !')]}'.includes(previous.text);
}
