import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { furthestWith } from './last-messages.ts';

describe('the start of the last messages', () => {
  it('is where as many are behind it as were asked for, whatever gaps there are', async () => {
    const stored = fc.uniqueArray(fc.integer({ min: 1, max: 500 }), { minLength: 0, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(
        stored,
        fc.integer({ min: 1, max: 100 }),
        fc.integer({ min: 0, max: 50 }),
        async (some, count, beyond) => {
          const sequences = some.sort((a, b) => a - b);
          const behind = async (from: number) => sequences.filter((sequence) => sequence >= from).length;
          const first = Math.max(1, (sequences[0] ?? 1) - beyond);
          const last = (sequences.at(-1) ?? 0) + beyond;
          const found = await furthestWith(count, first, last, behind);
          assert.equal(found, sequences.at(-count) ?? 1);
        },
      ),
    );
  });

  it('is found with few questions', async () => {
    let asked = 0;
    const everyTenth = async (from: number) => {
      asked++;
      return Math.floor((1_000_000 - from) / 10) + 1;
    };
    assert.equal(await furthestWith(10, 1, 1_000_000, everyTenth), 999_910);
    assert.ok(asked <= 16, `${asked}`);
  });
});
