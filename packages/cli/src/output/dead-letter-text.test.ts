import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ToldLetter } from '../dead-letters/told-letter.ts';
import { deadLetterTable } from './dead-letter-table.ts';
import { deadLetterText } from './dead-letter-text.ts';
import { replayLine } from './replay-line.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - 1_000 * seconds).toISOString();

describe('dead letters for people', () => {
  const letter: ToldLetter = {
    sequence: 17,
    id: 'order-7',
    time: ago(60),
    service: 'orders',
    event: 'placed',
    key: 'ann',
    group: 'mail',
    reason: 'exhausted',
    error: { code: 'unavailable', message: 'no answer\nat all' },
    attempts: 30,
    redrives: 1,
    stack: 'Error: no answer\n    at send (mail.ts:3:1)',
    firstAttempt: ago(660),
    lastAttempt: ago(60),
    instance: 'mail-1',
    origin: { stream: 'shop_orders', sequence: 2_000, subject: 'shop.events.orders.3.placed' },
    published: ago(700),
    source: '/shop/orders',
    headers: [
      ['ce-id', 'order-7'],
      ['flotilla-attempts', '30'],
      ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ],
    payload: { total: 12 },
  };

  it('are one line each in a list, cut off at the edge of a terminal', () => {
    const [title = '', line = ''] = deadLetterTable([letter], NOW, undefined, 80).split('\n');
    assert.match(title, /^LETTER +AGE +GROUP +EVENT +ID +KEY +REASON +TRIES +ERROR$/);
    assert.match(line, /^#17 +1m +mail +orders\.placed +order-7 +ann +exhausted +30 {2}unavailable.*…$/);
    assert.ok(line.length <= 80);
  });

  it('are told whole: why, since when, from where, and what they say', () => {
    const text = deadLetterText(letter, NOW);
    assert.match(text, /^dead letter #17 {2}orders\.placed\n/);
    assert.match(text, /given up {3}.* \(1m\) by mail-1, after 30 tries, the first 2026-/);
    assert.match(text, /error {6}unavailable: no answer�at all\n/);
    assert.match(text, /read from {2}shop_orders #2000, shop\.events\.orders\.3\.placed\n/);
    assert.match(text, /redriven {3}once before\ntrace {6}0af7651916cd43dd8448eb211c80319c\n/);
    assert.match(text, /\nstack\n {2}Error: no answer\n {6}at send \(mail\.ts:3:1\)\n/);
    assert.match(
      text,
      /\nheaders\n {2}ce-id: order-7\n {2}traceparent: .*\n\npayload\n {2}\{\n {4}"total": 12\n {2}\}\n$/,
    );
  });
});

describe('a replay in a line', () => {
  const first = { sequence: 3, time: new Date(ago(60)) };
  const last = { sequence: 9, time: new Date(ago(30)) };
  const report = { messages: 5, first, last, events: { placed: 4, cancelled: 1 }, stopped: false };

  it('says how many went where, and which', () => {
    const line = replayLine(report, 'mail', false);
    assert.match(line, /^5 messages given to mail: #3 of .* to #9 of .* \(placed 4, cancelled 1\)\n$/);
    assert.match(replayLine(report, 'mail', true), /^5 messages would be given to mail/);
    assert.match(replayLine({ ...report, stopped: true }, 'mail', false), /^stopped: 5 messages given/);
  });

  it('says when there was nothing', () => {
    const nothing = { messages: 0, first: null, last: null, events: {}, stopped: false };
    assert.equal(replayLine(nothing, 'mail', false), 'no message is stored there\n');
  });
});
