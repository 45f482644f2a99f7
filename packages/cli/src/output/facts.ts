/** Facts under their names, one in a line. */

import { type Paint, plain } from './colour.ts';

/** What is undefined is left out. */
export function factLines(
  facts: readonly (readonly [name: string, fact: string | undefined])[],
  paint: Paint = plain,
): string {
  const told = facts.filter(([, fact]) => fact !== undefined);
  const width = Math.max(0, ...told.map(([name]) => name.length));
  return told.map(([name, fact]) => `${paint('dim', name.padEnd(width))}  ${fact}\n`).join('');
}
