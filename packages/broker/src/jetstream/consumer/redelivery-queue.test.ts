import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RedeliveryQueue } from './redelivery-queue.ts';

test('hands out sequences in the order in which they came, however many are taken back', () => {
  const step = fc.record({
    kind: fc.constantFrom('add', 'delete', 'take'),
    sequence: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new RedeliveryQueue();
      let naive: number[] = [];
      for (const { kind, sequence } of steps) {
        const gone = kind === 'take' ? queue.peek() : sequence;
        if (kind === 'add') {
          queue.add(sequence);
          if (!naive.includes(sequence)) naive.push(sequence);
        } else {
          queue.delete(gone);
          naive = naive.filter((one) => one !== gone);
        }
        assert.equal(queue.peek(), naive[0] ?? 0);
        assert.equal(queue.size, naive.length);
        assert.equal(queue.has(sequence), naive.includes(sequence));
      }
    }),
  );
});
