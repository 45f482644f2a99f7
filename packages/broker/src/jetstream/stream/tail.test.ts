import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { StoredMessage } from './stored-message.ts';
import { Tail, TailBudget } from './tail.ts';

function message(budget: TailBudget, sequence: number, size: number): StoredMessage {
  const bytes = Buffer.alloc(size, sequence);
  return { sequence, timeUs: sequence, subject: 's', payload: budget.keep(bytes, 0, size), headerLength: 0 };
}

test('the message that was stored longest ago goes first, whichever stream it belongs to', () => {
  const budget = new TailBudget(10_000);
  const [one, two] = [new Tail(budget, 1), new Tail(budget, 1)];
  for (let i = 1; i <= 10; i++) {
    one.push(message(budget, i, 744));
    two.push(message(budget, i, 744));
  }
  assert.ok(budget.bytes <= 10_000);
  assert.deepEqual([one.first, two.first], [6, 6]);
  assert.equal(one.next(6)?.payload[743], 6);
  assert.equal(one.get(5), undefined);
});

test('holes and removed messages are passed over', () => {
  const budget = new TailBudget(1_000_000);
  const tail = new Tail(budget, 5);
  tail.push(message(budget, 5, 10));
  tail.skip();
  tail.push(message(budget, 7, 10));
  tail.forget(5);
  assert.equal(tail.next(5)?.sequence, 7);
  assert.equal(tail.next(8), undefined);
  assert.equal(tail.get(6), undefined);
});

test('what is let go costs nothing any more', () => {
  const budget = new TailBudget(1_000_000);
  const tail = new Tail(budget, 1);
  for (let i = 1; i <= 100; i++) tail.push(message(budget, i, 100));
  tail.forget(50);
  tail.dropOldest();
  tail.clear(101);
  assert.equal(budget.bytes, 0);
  tail.push(message(budget, 101, 1));
  assert.equal(tail.next(101)?.sequence, 101);
});

test('holes cost something too, and are let go like messages', () => {
  const budget = new TailBudget(10_000);
  const tail = new Tail(budget, 1);
  tail.push(message(budget, 1, 10));
  for (let i = 0; i < 100_000; i++) tail.skip();
  assert.ok(budget.bytes <= 10_000);
  assert.ok(tail.first > 99_000);
  tail.clear(1);
  assert.equal(budget.bytes, 0);
});

test('a small message does not keep the input that it came in', () => {
  const budget = new TailBudget(1_000_000);
  const chunk = Buffer.allocUnsafeSlow(64 * 1024).fill(1);
  const kept = budget.keep(chunk, 100, 200);
  chunk.fill(2);
  assert.deepEqual(kept, Buffer.alloc(100, 1));
  assert.notEqual(kept.buffer, chunk.buffer);
});

test('thousands of messages pass through with bounded memory', () => {
  const budget = new TailBudget(50_000);
  const tail = new Tail(budget, 1);
  for (let i = 1; i <= 50_000; i++) tail.push(message(budget, i, 100));
  assert.ok(budget.bytes <= 50_000);
  assert.equal(tail.next(tail.first)?.sequence, tail.first);
  assert.equal(tail.get(50_000)?.sequence, 50_000);
});
