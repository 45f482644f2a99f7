import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillStream } from '../testing/fill-stream.ts';
import { startInProcess, withFolder } from '../testing/in-process.ts';
import { MemoryLog } from '../testing/memory-log.ts';
import { MatchCount } from './match-count.ts';
import { SubjectFilter } from './subject-filter.ts';

const SUBJECTS = ['a', 'a.b', 'a.b.c', 'a.c', 'a-b', 'b', 'b.c', 'ä.b'];
const FILTERS = [undefined, ...['a', 'a.*', 'a.>', '*.c', 'none.*'].map((text) => new SubjectFilter(text))];

const action = fc.oneof(
  fc.record({ kind: fc.constant('step' as const) }),
  fc.record({ kind: fc.constant('append' as const), subject: fc.constantFrom(...SUBJECTS) }),
  fc.record({ kind: fc.constant('remove' as const), at: fc.double({ min: 0, max: 1, noNaN: true }) }),
  fc.record({ kind: fc.constant('removeFirst' as const) }),
  fc.record({ kind: fc.constant('commit' as const) }),
);

test('a count in steps is exact, whatever is stored and removed in between', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...SUBJECTS), { minLength: 1, maxLength: 60 }),
      fc.nat(60),
      fc.constantFrom(...FILTERS),
      fc.integer({ min: 1, max: 400 }),
      fc.array(action, { maxLength: 80 }),
      (subjects, from, filter, size, actions) => {
        const bench = new MemoryLog();
        const { log } = bench;
        const stored = new Map<number, string>();
        const append = (subject: string): void => {
          stored.set(log.append(subject, log.lastTimeUs + 1, 0, Buffer.from('x'), 0, 1), subject);
        };
        for (const subject of subjects) append(subject);
        bench.commit();
        const count = new MatchCount(log, from, filter, size);
        const { upTo } = count;
        let isDone = false;
        const gone = (sequence: number): void => {
          const subject = stored.get(sequence)!;
          stored.delete(sequence);
          if (!isDone && (filter?.matches(subject) ?? true)) count.removed(sequence, subject);
        };
        const expected = (): number =>
          [...stored].filter(
            ([sequence, subject]) =>
              sequence >= from && sequence <= upTo && (filter?.matches(subject) ?? true),
          ).length;
        let atTheEnd = 0;
        const step = (): void => {
          if (isDone || !count.step()) return;
          isDone = true;
          atTheEnd = expected();
        };
        for (const each of actions) {
          if (each.kind === 'step') step();
          else if (each.kind === 'append') append(each.subject);
          else if (each.kind === 'commit') bench.commit();
          else if (stored.size > 0 && each.kind === 'removeFirst') gone(log.removeFirst()!.sequence);
          else if (stored.size > 0 && each.kind === 'remove') {
            const sequences = [...stored.keys()];
            const sequence = sequences[Math.floor(each.at * (sequences.length - 1))]!;
            log.remove(sequence);
            gone(sequence);
          }
        }
        while (!isDone) step();
        assert.equal(count.count, atTheEnd);
      },
    ),
    { numRuns: 300 },
  );
});

test('a consumer that begins in the middle of very many messages knows how many are ahead, and delivers', () =>
  withFolder(async (data) => {
    fillStream(data, { name: 'S', messages: 240_000, subjects: 2, size: 8 });
    const bench = startInProcess({ data });
    try {
      const config = {
        ...{ deliver_policy: 'by_start_sequence', opt_start_seq: 110_001, filter_subject: 'S.1' },
        ...{ durable_name: 'c', ack_policy: 'none' },
      };
      const created = bench.api('CONSUMER.DURABLE.CREATE.S.c', { stream_name: 'S', config });
      const published = Promise.all([0, 1, 0, 1].map((subject) => bench.publish(`S.${subject}`)));
      assert.ok([65_000, 65_002].includes(Number((await created).num_pending)));
      await published;
      await bench.request('$JS.API.CONSUMER.MSG.NEXT.S.c', '{"batch":1}');
      assert.equal((await bench.api('CONSUMER.INFO.S.c')).num_pending, 65_001);
      const listed = (await bench.api('CONSUMER.LIST.S')).consumers as { num_pending: number }[];
      assert.deepEqual(
        listed.map(({ num_pending }) => num_pending),
        [65_001],
      );
    } finally {
      bench.close();
    }
    const again = startInProcess({ data });
    try {
      const next = await again.request('$JS.API.CONSUMER.MSG.NEXT.S.c', '{"batch":1}');
      assert.equal(next.body, 'xxxxxxxx');
      assert.equal((await again.api('CONSUMER.INFO.S.c')).num_pending, 65_000);
    } finally {
      again.close();
    }
  }));
