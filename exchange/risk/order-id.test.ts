import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OrderId } from '@exchange/matching';
import { orderIds } from './order-id.ts';

test('ids are valid, differ, and sort by time', () => {
  let time = 1_700_000_000_000;
  const nextId = orderIds({ now: () => time });
  const ids: string[] = [];
  for (let index = 0; index < 2_000; index++) {
    time += 1;
    ids.push(nextId());
  }
  assert.equal(new Set(ids).size, ids.length);
  assert.deepEqual(ids.toSorted(), ids);
  for (const id of ids) assert.ok(OrderId.safeParse(id).success, id);
});

test('ids of one moment differ by chance alone', () => {
  const nextId = orderIds({ now: () => 5 });
  assert.notEqual(nextId(), nextId());
  const withoutChance = orderIds({ now: () => 5, random: (bytes) => bytes.fill(31) });
  assert.equal(withoutChance(), `o0000000005${'z'.repeat(16)}`);
});
