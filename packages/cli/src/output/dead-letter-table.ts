/** Dead letters for people, one in a line. */

import type { ListedLetter } from '../dead-letters/told-letter.ts';
import { age } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { printable } from './printable.ts';
import { table } from './table.ts';

/**
 * @param now Unix time in milliseconds.
 * @param width of the terminal: errors are cut off there.
 */
export function deadLetterTable(
  letters: readonly ListedLetter[],
  now: number,
  paint: Paint = plain,
  width?: number,
): string {
  return table<ListedLetter>(
    [
      { title: 'LETTER', cell: ({ sequence }) => `#${sequence}` },
      { title: 'AGE', cell: ({ time }) => age(time, now), align: 'right' },
      { title: 'GROUP', cell: ({ group }) => group },
      { title: 'EVENT', cell: ({ service, event }) => `${service}.${event}` },
      { title: 'ID', cell: ({ id }) => printable(id) },
      { title: 'KEY', cell: ({ key }) => printable(key ?? '') },
      { title: 'REASON', cell: ({ reason }) => printable(reason), paint: (_, text) => paint('red', text) },
      { title: 'TRIES', cell: ({ attempts }) => String(attempts), align: 'right' },
      { title: 'ERROR', cell: ({ error }) => printable(errorText(error)) },
    ],
    letters,
    paint,
    width,
  );
}

export function errorText({ code, message }: ListedLetter['error']): string {
  return code === null ? message : `${code}: ${message}`;
}
