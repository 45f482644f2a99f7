import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { heapCheck } from './heap-trimmer.ts';

const MiB = 2 ** 20;

function fakeHeap() {
  const heap = {
    bytes: 24 * MiB,
    busy: 0,
    collections: 0,
    size: () => heap.bytes,
    utilization: () => heap.busy,
    collect() {
      heap.collections++;
      heap.bytes = 14 * MiB;
    },
  };
  return heap;
}

test('an idle process is trimmed once, and again only after it has grown', () => {
  const heap = fakeHeap();
  const check = heapCheck(heap);
  check();
  check();
  assert.equal(heap.collections, 1);
  heap.bytes = 17 * MiB;
  check();
  assert.equal(heap.collections, 1);
  heap.bytes = 30 * MiB;
  check();
  assert.equal(heap.collections, 2);
});

test('a busy process is left alone until it is idle', () => {
  const heap = fakeHeap();
  const check = heapCheck(heap);
  heap.busy = 0.3;
  check();
  assert.equal(heap.collections, 0);
  heap.busy = 0.01;
  check();
  assert.equal(heap.collections, 1);
});

test('a large heap is left alone: collecting it would stop the process for too long', () => {
  const heap = fakeHeap();
  heap.bytes = 500 * MiB;
  heapCheck(heap)();
  assert.equal(heap.collections, 0);
});

test('a real process gets smaller', async () => {
  const script = `
    import { heapCheck, ownHeap } from ${JSON.stringify(join(import.meta.dirname, 'heap-trimmer.ts'))};
    let garbage = Array.from({ length: 200_000 }, (_, i) => ({ i, text: 'x' + i }));
    const before = process.memoryUsage().heapTotal;
    garbage = undefined;
    const check = setInterval(heapCheck(ownHeap()), 100);
    const giveUp = setTimeout(() => process.exit(1), 20_000);
    const timer = setInterval(() => {
      if (process.memoryUsage().heapTotal > before - 8 * 2 ** 20) return;
      clearInterval(timer);
      clearInterval(check);
      clearTimeout(giveUp);
    }, 50);`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script]);
});
