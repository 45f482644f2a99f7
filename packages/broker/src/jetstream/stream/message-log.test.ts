import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { MemoryLog } from '../testing/memory-log.ts';
import type { MessageLog } from './message-log.ts';
import {
  countMatching,
  firstAtOrAfter,
  lastMatching,
  lastPerSubject,
  nextMatch,
  nextMatchingSequence,
} from './message-search.ts';
import { SubjectFilter } from './subject-filter.ts';

interface Kept {
  readonly sequence: number;
  readonly timeUs: number;
  readonly subject: string;
  readonly text: string;
}

type Operation =
  | { readonly kind: 'append'; readonly subject: string; readonly size: number; readonly head: number }
  | { readonly kind: 'remove'; readonly at: number }
  | { readonly kind: 'removeFirst' | 'skip' | 'empty' | 'commit' | 'reopen' | 'keepTail' | 'dropTail' };

const subject = fc.constantFrom('a.1', 'a.2', 'a.b.1', 'c', 'ñ.1'.normalize());
const operation: fc.Arbitrary<Operation> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      subject,
      size: fc.integer({ min: 0, max: 40 }),
      head: fc.integer({ min: 0, max: 20 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      at: fc.nat(200),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'removeFirst',
        'removeFirst',
        'skip',
        'commit',
        'commit',
        'reopen',
        'keepTail',
        'dropTail',
      ),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('empty' as const) }) },
);

const FILTERS = [
  undefined,
  ...['a.*', 'a.>', '>', 'c', '*', 'x.*', 'a.1'].map((text) => new SubjectFilter(text)),
];

test('a log holds what was put into it, whatever is removed, committed and opened again', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), (operations) => {
      const bench = new MemoryLog();
      let kept: Kept[] = [];
      let last = 0;
      let removed = 0;
      for (const step of operations) {
        const { log } = bench;
        const timeUs = (last + 1) * 10;
        switch (step.kind) {
          case 'append': {
            const text = `${'h'.repeat(step.head)}${'x'.repeat(step.size)}`;
            const bytes = Buffer.from(`--${text}--`);
            log.append(step.subject, timeUs, step.head, bytes, 2, bytes.length - 2);
            kept.push({ sequence: ++last, timeUs, subject: step.subject, text });
            break;
          }
          case 'skip':
            assert.equal(log.skip(timeUs), ++last);
            break;
          case 'remove': {
            const sequence = step.at % (last + 2);
            const known = kept.find((one) => one.sequence === sequence);
            assert.equal(log.remove(sequence)?.sequence, known?.sequence);
            if (known !== undefined) removed++;
            kept = kept.filter((one) => one !== known);
            break;
          }
          case 'removeFirst': {
            const first = kept.shift();
            assert.equal(log.removeFirst()?.sequence, first?.sequence);
            if (first !== undefined) removed++;
            break;
          }
          case 'empty':
            assert.equal(log.empty(), kept.length > 0);
            kept = [];
            break;
          case 'commit':
            bench.commit();
            assert.equal(log.committed, last);
            break;
          case 'reopen':
            bench.reopen();
            break;
          case 'keepTail':
          case 'dropTail':
            log.keepTail(step.kind === 'keepTail');
        }
        compare(bench.log, kept, last);
        assert.equal(bench.removed.length, removed);
      }
      bench.reopen();
      compare(bench.log, kept, last);
    }),
    { numRuns: 60 },
  );
});

function compare(log: MessageLog, kept: readonly Kept[], last: number): void {
  assert.equal(log.messages, kept.length);
  assert.equal(log.lastSequence, last);
  assert.equal(log.firstSequence, kept[0]?.sequence ?? last + 1);
  assert.equal(log.first?.timeUs, kept[0]?.timeUs);
  assert.equal(
    log.bytes,
    kept.reduce((sum, one) => sum + sizeOf(log, one), 0),
  );
  assert.equal(log.subjects.count, new Set(kept.map((one) => one.subject)).size);
  for (const from of [0, 1, Math.ceil(last / 2), last, last + 1]) {
    for (const filter of FILTERS) compareSearch(log, kept, last, from, filter);
    assert.equal(firstAtOrAfter(log, from * 10), firstSince(kept, last, from * 10));
    assert.deepEqual(
      log.sequences(from, 5),
      kept
        .filter(({ sequence }) => sequence >= from)
        .slice(0, 5)
        .map(({ sequence }) => sequence),
    );
  }
}

function compareSearch(
  log: MessageLog,
  kept: readonly Kept[],
  last: number,
  from: number,
  filter: SubjectFilter | undefined,
): void {
  const all = kept.filter((one) => filter === undefined || filter.matches(one.subject));
  const matching = all.filter((one) => one.sequence >= from);
  const found = nextMatch(log, from, filter);
  const expected = matching[0];
  assert.equal(found?.sequence, expected?.sequence);
  if (found !== undefined && expected !== undefined) {
    assert.equal(found.subject, expected.subject);
    assert.equal(found.timeUs, expected.timeUs);
    assert.equal(found.payload.toString(), expected.text);
  }
  assert.equal(nextMatchingSequence(log, from, filter), expected?.sequence);
  assert.equal(countMatching(log, from, filter), matching.length);
  const lasts = [...new Map(all.map((one) => [one.subject, one.sequence])).values()].sort((a, b) => a - b);
  assert.deepEqual(lastPerSubject(log, filter), lasts);
  assert.equal(lastMatching(log, filter), lasts.at(-1) ?? 0);
  assert.ok(last >= (lasts.at(-1) ?? 0));
}

function firstSince(kept: readonly Kept[], last: number, timeUs: number): number {
  return kept.find((one) => one.timeUs >= timeUs)?.sequence ?? last + 1;
}

function sizeOf(log: MessageLog, { subject, text }: Kept): number {
  const headerLength = text.lastIndexOf('h') + 1;
  return log.sizeOf({ subject, headerLength, payloadLength: text.length });
}

test('a filter that matches little is found among many messages of other subjects', () => {
  const { log } = new MemoryLog();
  const bytes = Buffer.from('x');
  for (let i = 1; i <= 3_000; i++) {
    log.append(i % 1_000 === 0 ? `rare.${i}` : `often.${i % 7}`, i, 0, bytes, 0, 1);
  }
  const filter = new SubjectFilter('rare.*');
  const found: number[] = [];
  for (let from = 1; ; ) {
    const message = nextMatch(log, from, filter);
    if (message === undefined) break;
    found.push(message.sequence);
    from = message.sequence + 1;
  }
  assert.deepEqual(found, [1_000, 2_000, 3_000]);
  assert.equal(countMatching(log, 1_500, filter), 2);
  assert.equal(countMatching(log, 10, new SubjectFilter('often.*')), 3_000 - 3 - 9);
});

test('what matches is counted exactly from anywhere in a long log with holes', () => {
  const { log } = new MemoryLog();
  const bytes = Buffer.from('x');
  const kept: { readonly sequence: number; readonly subject: string }[] = [];
  for (let i = 1; i <= 6_000; i++) {
    const subject = `s.${i % 5 === 0 ? 'often' : i % 7}.${i % 3}`;
    kept.push({ sequence: log.append(subject, i, 0, bytes, 0, 1), subject });
  }
  log.removeFirst();
  log.removeFirst();
  for (const sequence of [100, 1_500, 2_999, 3_000, 5_500]) log.remove(sequence);
  const left = kept.filter(({ sequence }) => log.outline(sequence) !== undefined);
  assert.equal(left.length, 6_000 - 7);
  for (const filter of ['s.often.0', 's.*.1', 's.often.*', 'none.*'].map((text) => new SubjectFilter(text))) {
    for (const from of [1, 3, 4, 101, 1_500, 2_998, 3_001, 4_900, 5_501, 6_000, 6_001]) {
      const matching = left.filter(({ sequence, subject }) => sequence >= from && filter.matches(subject));
      assert.equal(countMatching(log, from, filter), matching.length, `${filter.subject} from ${from}`);
    }
  }
});

test('a log with more subjects than are kept in memory counts them all', () => {
  const bench = new MemoryLog();
  const bytes = Buffer.from('x');
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 40_000; i++) {
      bench.log.append(`s.${i}`, round * 40_000 + i, 0, bytes, 0, 1);
      if (i % 1_000 === 0) bench.commit();
    }
  }
  bench.reopen();
  const { log } = bench;
  assert.equal(log.subjects.count, 40_000);
  for (const i of [0, 17_000, 39_999]) {
    assert.deepEqual((({ messages, last }) => [messages, last])(log.subjects.find(`s.${i}`)!), [
      2,
      40_000 + i + 1,
    ]);
  }
});
