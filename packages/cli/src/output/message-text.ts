/** A stored message for people: where it lies and what it is in one line, its payload in the next. */

import type { ToldMessage } from '../streams/told-message.ts';
import { instant } from './age.ts';
import { type Paint, plain } from './colour.ts';
import { printable } from './printable.ts';
import { bytes } from './quantity.ts';

export function messageText(message: ToldMessage, paint: Paint = plain): string {
  const { time, sequence, subject, id, type, key } = message;
  const facts = [
    paint('dim', instant(time)),
    paint('cyan', `#${sequence}`),
    ...(type === null ? [] : [paint('bold', printable(type))]),
    ...(key === null ? [] : [`key=${printable(key)}`]),
    ...(id === null ? [] : [`id=${printable(id)}`]),
    paint('dim', printable(subject)),
  ];
  return `${facts.join('  ')}\n  ${contentText(message)}\n`;
}

export function contentText({
  payload,
  text,
  base64,
}: Pick<ToldMessage, 'payload' | 'text' | 'base64'>): string {
  if (base64 !== undefined) {
    const count = Buffer.byteLength(base64, 'base64');
    return `(${bytes(count)} that are no text: ${base64.slice(0, 60)}${base64.length > 60 ? '…' : ''})`;
  }
  if (text === undefined) return printable(JSON.stringify(payload));
  return text === '' ? '(empty)' : printable(text);
}
