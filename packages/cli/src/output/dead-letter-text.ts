/** A dead letter for people, all of it. */

import type { ToldLetter } from '../dead-letters/told-letter.ts';
import { age, instant } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { errorText } from './dead-letter-table.ts';
import { factLines } from './facts.ts';
import { contentText } from './message-text.ts';
import { printable } from './printable.ts';

/** @param now Unix time in milliseconds. */
export function deadLetterText(letter: ToldLetter, now: number, paint: Paint = plain): string {
  const { sequence, service, event, group, reason, id, key, time, attempts, firstAttempt, redrives } = letter;
  const { instance, origin, published, source, stack, headers, error } = letter;
  const tries = attempts === 1 ? 'at the first try' : `after ${attempts} tries${since(firstAttempt)}`;
  const by = instance === null ? '' : ` by ${printable(instance)}`;
  const trace = /^00-([0-9a-f]{32})-/.exec(headers.find(([name]) => name === 'traceparent')?.[1] ?? '')?.[1];
  const facts = factLines(
    [
      ['group', group],
      ['given up', `${instant(time)} (${age(time, now)})${by}, ${tries}`],
      ['reason', paint('red', printable(reason))],
      ['error', paint('red', printable(errorText(error)))],
      ['message', `${printable(id)}${key === null ? '' : `, key ${printable(key)}`}`],
      ['read from', `${printable(origin.stream)} #${origin.sequence}, ${printable(origin.subject)}`],
      [
        'published',
        published === null
          ? undefined
          : `${instant(published)}${source === null ? '' : ` by ${printable(source)}`}`,
      ],
      ['redriven', redrives === 0 ? undefined : redrives === 1 ? 'once before' : `${redrives} times before`],
      ['trace', trace],
    ],
    paint,
  );
  // Ours are told above.
  const foreign = headers.filter(([name]) => !name.startsWith('flotilla-'));
  const title = `${paint('bold', `dead letter #${sequence}`)}  ${paint('bold', `${service}.${event}`)}\n`;
  const parts = [
    title + facts,
    ...(stack === null ? [] : [block('stack', stack.split('\n').map(printable), paint)]),
    block(
      'headers',
      foreign.map(([name, value]) => printable(`${name}: ${value}`)),
      paint,
    ),
    block('payload', payloadLines(letter), paint),
  ];
  return parts.join('\n');
}

function since(firstAttempt: string | null): string {
  return firstAttempt === null ? '' : `, the first ${instant(firstAttempt)}`;
}

function payloadLines(letter: ToldLetter): string[] {
  if (letter.payload === undefined) return [contentText(letter)];
  return JSON.stringify(letter.payload, null, 2).split('\n').map(printable);
}

function block(title: string, lines: readonly string[], paint: Paint): string {
  return `${paint('dim', title)}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}
