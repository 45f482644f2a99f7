import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MemoryLog } from '../testing/memory-log.ts';
import { nextMatch } from './message-search.ts';
import { Block, ReadAhead } from './read-ahead.ts';
import type { StoredMessage } from './stored-message.ts';
import { SubjectFilter } from './subject-filter.ts';

function message(sequence: number): StoredMessage {
  return { sequence, timeUs: sequence, subject: 's', payload: Buffer.alloc(1), headerLength: 0 };
}

/** Sequences of a block one after the other. */
function sequencesOf(block: Block, from: number): number[] {
  const found: number[] = [];
  for (let at = from; at < block.end; ) {
    const next = block.next(at);
    if (next === undefined) break;
    found.push(next.sequence);
    at = next.sequence + 1;
  }
  return found;
}

test('a block gives what it covers, with holes in it', () => {
  const owner = {};
  const block = new Block(owner, 10, 30, [12, 13, 20, 21, 29].map(message));
  assert.deepEqual(sequencesOf(block, 10), [12, 13, 20, 21, 29]);
  assert.deepEqual(sequencesOf(block, 14), [20, 21, 29]);
  block.forget(21);
  block.forget(22);
  assert.deepEqual(sequencesOf(block, 13), [13, 20, 29]);
  block.forget(29);
  assert.deepEqual(sequencesOf(block, 21), []);
});

test('the blocks of a stream are found by what they cover, and go with it', () => {
  const ahead = new ReadAhead();
  const [one, two] = [{}, {}];
  for (let start = 1; start < 1_000; start += 100) {
    ahead.add(new Block(one, start, start + 100, [message(start)]));
  }
  ahead.add(new Block(two, 1, 50, [message(7)]));
  assert.equal(ahead.find(one, 250)?.start, 201);
  assert.equal(ahead.find(one, 300)?.start, 201);
  assert.equal(ahead.find(one, 301)?.start, 301);
  assert.equal(ahead.find(two, 50), undefined);
  ahead.forget(two, 7);
  assert.equal(ahead.find(two, 7)?.next(7), undefined);
  assert.equal(ahead.find(one, 1)?.next(1)?.sequence, 1);
  ahead.clear(one);
  assert.equal(ahead.find(one, 250), undefined);
  assert.equal(ahead.find(two, 49)?.start, 1);
});

test('the block that was used longest ago goes first', () => {
  const ahead = new ReadAhead();
  const owner = {};
  const add = (start: number): void => ahead.add(new Block(owner, start, start + 1, [message(start)]));
  for (let start = 1; start <= 32; start++) add(start);
  assert.equal(ahead.find(owner, 1)?.start, 1);
  add(33);
  assert.equal(ahead.find(owner, 1)?.start, 1);
  assert.equal(ahead.find(owner, 2), undefined);
  assert.equal(ahead.find(owner, 3)?.start, 3);
});

test('what was read ahead of a stream keeps up with what is removed from it', () => {
  const memory = new MemoryLog();
  memory.fill(Array.from({ length: 600 }, (_, i) => `a.${i % 3}`));
  memory.commit();
  const filter = new SubjectFilter('a.1');
  const rest = (from: number): number[] => {
    const found: number[] = [];
    for (let at = from; ; ) {
      const next = nextMatch(memory.log, at, filter);
      if (next === undefined) return found;
      found.push(next.sequence);
      at = next.sequence + 1;
    }
  };
  const expected = Array.from({ length: 200 }, (_, i) => i * 3 + 2);
  assert.deepEqual(rest(1), expected);
  for (const sequence of [2, 302, 599]) memory.log.remove(sequence);
  assert.deepEqual(
    rest(1),
    expected.filter((sequence) => ![2, 302, 599].includes(sequence)),
  );
  memory.fill(['a.1', 'a.2']);
  assert.deepEqual(rest(560), [560, 563, 566, 569, 572, 575, 578, 581, 584, 587, 590, 593, 596, 601]);
  memory.log.empty();
  assert.deepEqual(rest(1), []);
  memory.fill(['a.1']);
  assert.deepEqual(rest(1), [603]);
});
