import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { StreamReport } from '../streams/stream-report.ts';
import { content, type ToldMessage } from '../streams/told-message.ts';
import { age, instant } from './age.ts';
import { messageText } from './message-text.ts';
import { bytes } from './quantity.ts';
import { streamTable } from './stream-table.ts';
import { streamText } from './stream-text.ts';

const NOW = Date.parse('2026-05-01T12:00:00Z');
const ago = (seconds: number): string => new Date(NOW - 1_000 * seconds).toISOString();

const REPORT: StreamReport = {
  stream: 'shop_orders',
  description: 'events of orders in 16 partitions',
  subjects: ['shop.events.orders.>'],
  storage: 'file',
  retention: 'limits',
  messages: 1_994,
  bytes: 648_000,
  firstSequence: 7,
  lastSequence: 2_004,
  firstAt: ago(7_200),
  lastAt: ago(90),
  consumers: 1,
  created: ago(86_400),
  replicas: 1,
  discard: 'old',
  deleted: 4,
  limits: {
    messages: null,
    bytes: 2 ** 30,
    ageMs: 604_800_000,
    messageBytes: null,
    messagesPerSubject: null,
  },
  duplicateWindowMs: 120_000,
  contents: [{ name: 'orders.placed', messages: 1_994 }],
  readers: [
    {
      consumer: 'work_mail_placed',
      durable: true,
      filter: 'shop.events.orders.*.placed',
      pending: 12,
      inFlight: 3,
      redelivered: 1,
      ackFloor: 1_980,
    },
  ],
};

describe('times of what is stored', () => {
  it('are told as age, and never in the future', () => {
    const cases: [seconds: number, text: string][] = [
      [-60, 'now'],
      [0.4, 'now'],
      [12, '12s'],
      [90, '1.5m'],
      [172_800, '2d'],
    ];
    for (const [seconds, text] of cases) assert.equal(age(ago(seconds), NOW), text);
  });

  it('are written as commands read them', () => {
    const time = new Date('2026-05-01T12:00:00.123Z');
    assert.match(instant(time), /^2026-\d\d-\d\d \d\d:\d\d:\d\d\.123$/);
    assert.equal(new Date(instant(time)).getTime(), time.getTime());
  });
});

describe('amounts', () => {
  it('have the unit that leaves them short', () => {
    assert.deepEqual([0, 999, 1_024, 648_000, 2 ** 30].map(bytes), [
      '0 B',
      '999 B',
      '1.00 KiB',
      '633 KiB',
      '1.00 GiB',
    ]);
  });
});

describe('a table of streams', () => {
  it('has a line for each, and dashes where there is nothing', () => {
    const empty = { ...REPORT, stream: 'empty', messages: 0, bytes: 0, firstSequence: null, lastSequence: 0 };
    const lines = streamTable([REPORT, { ...empty, firstAt: null, lastAt: null }], NOW).split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      'STREAM       MESSAGES    BYTES  FIRST  LAST  OLDEST  NEWEST  CONSUMERS  SUBJECTS',
      'shop_orders      1994  633 KiB      7  2004      2h    1.5m          1  shop.events.orders.>',
      'empty               0      0 B      -     -       -       -          1  shop.events.orders.>',
    ]);
  });
});

describe('a stream for people', () => {
  it('says what it keeps, what is in it and who reads it', () => {
    const text = streamText(REPORT, NOW);
    assert.match(
      text,
      /^shop_orders {2}events of orders in 16 partitions\nsubjects {4}shop\.events\.orders\.>\n/,
    );
    assert.match(text, /messages {4}1994, 633 KiB, sequences 7 to 2004, 4 of them removed\n/);
    assert.match(text, /keeps {7}all, at most 7d, 1\.00 GiB; then the oldest go\n/);
    assert.match(text, /\nCONTENT +MESSAGES\norders\.placed +1994\n/);
    assert.match(
      text,
      /\nwork_mail_placed +12 +3 +1 +1980 {2}durable {2}shop\.events\.orders\.\*\.placed\n$/,
    );
  });

  it('says so when it has no limits, and nothing in it', () => {
    const limits = { messages: null, bytes: null, ageMs: null, messageBytes: null, messagesPerSubject: null };
    const nothing = {
      messages: 0,
      bytes: 0,
      firstSequence: null,
      lastSequence: 41,
      firstAt: null,
      lastAt: null,
    };
    const rest = { retention: 'workqueue', limits, contents: [], readers: [] };
    const text = streamText({ ...REPORT, ...nothing, ...rest }, NOW);
    assert.match(text, /messages {4}0, 0 B, the last had sequence 41\n/);
    assert.match(text, /keeps {7}what has not been handled, without a limit\n/);
    assert.doesNotMatch(text, /oldest|CONTENT|CONSUMER/);
  });
});

describe('a message for people', () => {
  const message: ToldMessage = {
    stream: 'shop_orders',
    sequence: 2_000,
    time: ago(1),
    subject: 'shop.events.orders.3.placed',
    id: 'order-7',
    type: 'orders.placed',
    key: 'ann',
    headers: {},
    payload: { total: 12 },
  };

  it('is two lines: what it is, and what it says', () => {
    assert.match(
      messageText(message),
      /^2026-\S+ \S+ {2}#2000 {2}orders\.placed {2}key=ann {2}id=order-7 {2}shop\.events\.orders\.3\.placed\n {2}\{"total":12\}\n$/,
    );
  });

  it('cannot move the cursor of whoever reads it', () => {
    const { payload: _, ...bare } = message;
    const hostile = { ...bare, subject: 'a\x1b[2J', key: '\u2028', text: 'one\ntwo\x07' };
    assert.doesNotMatch(messageText(hostile).replace(/\n/g, ''), /\p{Cc}|\u2028/u);
    assert.equal(messageText(hostile).split('\n').length, 3);
  });

  it('is recognised as JSON, as text, or as neither', () => {
    assert.deepEqual(content(Buffer.from('{"a":1}')), { payload: { a: 1 } });
    assert.deepEqual(content(Buffer.from('null')), { payload: null });
    assert.deepEqual(content(Buffer.from('hello')), { text: 'hello' });
    assert.deepEqual(content(Buffer.alloc(0)), { text: '' });
    assert.deepEqual(content(Buffer.from([0xff, 0])), { base64: '/wA=' });
  });
});
