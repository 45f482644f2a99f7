/** What one process writes, as log entries. Text lines that arrive together (a stack trace) become one entry. */

import { type LogEntry, type Origin, parseEntry, wrapText } from './entry.ts';
import { LineSplitter, MAX_LINE_LENGTH } from './line-splitter.ts';

export interface ChildOutput {
  push(chunk: Uint8Array): void;
  end(): void;
}

/** @param scrub Removes what must not be in a log, such as the fleet secret. */
export function childOutput(
  origin: Origin,
  scrub: (line: string) => string,
  clock: () => Date,
  emit: (entry: LogEntry) => void,
): ChildOutput {
  const splitter = new LineSplitter();
  const take = (lines: readonly string[]): void => {
    if (lines.length === 0) return;
    const time = clock().toISOString();
    let text = '';
    const flush = (): void => {
      if (text.trim() !== '') emit(wrapText(text, origin, time));
      text = '';
    };
    for (const line of lines.map(scrub)) {
      const entry = parseEntry(line, origin, time);
      if (entry !== undefined) {
        flush();
        emit(entry);
        continue;
      }
      if (text.length + line.length >= MAX_LINE_LENGTH) flush();
      text = text === '' ? line : `${text}\n${line}`;
    }
    flush();
  };
  return { push: (chunk) => take(splitter.push(chunk)), end: () => take(splitter.end()) };
}
