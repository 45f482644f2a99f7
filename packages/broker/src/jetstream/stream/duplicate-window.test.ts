import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { DuplicateWindow } from './duplicate-window.ts';

const WINDOW = 1_000;

type Operation = { readonly kind: 'add' | 'find' | 'restart'; readonly id: string; readonly after: number };

const operation: fc.Arbitrary<Operation> = fc.record({
  kind: fc.constantFrom('add', 'add', 'find', 'restart'),
  id: fc.integer({ min: 0, max: 120 }).map((n) => `id-${n}`),
  after: fc.integer({ min: 0, max: 40 }),
});

test('an id is known exactly as long as its window, also after a restart', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 400 }), (operations) => {
      let window = new DuplicateWindow(WINDOW);
      const saved: Buffer[] = [];
      const naive = new Map<string, { sequence: number; time: number }>();
      let now = 10_000;
      let sequence = 0;
      const save = (): void => {
        const fresh = window.takeNew();
        if (fresh !== undefined) saved.push(fresh);
      };
      for (const { kind, id, after } of operations) {
        now += after;
        if (kind === 'restart') {
          save();
          window = new DuplicateWindow(WINDOW);
          for (const bytes of saved) window.restore(bytes);
        }
        const known = naive.get(id);
        const expected = known !== undefined && now - known.time < WINDOW ? known.sequence : undefined;
        assert.equal(window.find(id, now), expected);
        if (kind === 'add' && expected === undefined) {
          window.add(id, ++sequence, now);
          naive.set(id, { sequence, time: now });
          if (sequence % 3 === 0) save();
        }
      }
    }),
    { numRuns: 500 },
  );
});

test('a window keeps no more than what is inside it', () => {
  const window = new DuplicateWindow(WINDOW);
  for (let i = 0; i < 10_000; i++) window.add(`id-${i}`, i + 1, i);
  window.expire(9_999);
  assert.equal(window.size, WINDOW);
  assert.equal(window.find('id-9000', 9_999), 9_001);
  assert.equal(window.find('id-8999', 9_999), undefined);
});

test('a shorter window forgets at once what it no longer covers', () => {
  const window = new DuplicateWindow(WINDOW);
  window.add('a', 1, 0);
  window.add('b', 2, 400);
  window.windowUs = 200;
  assert.equal(window.find('a', 500), undefined);
  assert.equal(window.find('b', 500), 2);
});

test('hashes of similar ids do not collide', () => {
  const window = new DuplicateWindow(WINDOW);
  for (let i = 0; i < 200_000; i++) {
    assert.equal(window.find(`order-${i}`, 0), undefined);
    window.add(`order-${i}`, i + 1, 0);
  }
  for (let i = 0; i < 200_000; i += 997) assert.equal(window.find(`order-${i}`, 0), i + 1);
});
