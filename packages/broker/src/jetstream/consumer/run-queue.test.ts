import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { type Runnable, RunQueue } from './run-queue.ts';

/** Writes down when it runs; has work for so many runs. */
class Work implements Runnable {
  deadline = Number.POSITIVE_INFINITY;
  runs = 0;
  readonly ticks: number[] = [];
  readonly #log: string[];
  readonly #name: string;
  #left: number;

  constructor(name: string, log: string[], left = 1) {
    this.#name = name;
    this.#log = log;
    this.#left = left;
  }

  tick(now: number): void {
    this.ticks.push(now);
    this.deadline = Number.POSITIVE_INFINITY;
  }

  run(): boolean {
    this.runs++;
    this.#log.push(this.#name);
    return --this.#left > 0;
  }
}

test('what is kicked runs once when the current work is done, however often it was kicked', async () => {
  const queue = new RunQueue(() => 0);
  const work = new Work('a', []);
  queue.add(work);
  queue.kick(work);
  queue.kick(work);
  assert.equal(work.runs, 0);
  await Promise.resolve();
  assert.equal(work.runs, 1);
});

test('one that has much to do lets others and the event loop have their turn', async () => {
  const log: string[] = [];
  const queue = new RunQueue(() => 0);
  const [busy, other] = [new Work('busy', log, 3), new Work('other', log)];
  queue.add(busy);
  queue.add(other);
  queue.drain();
  assert.deepEqual(log, ['busy', 'other']);
  queue.kick(busy);
  await Promise.resolve();
  assert.deepEqual(log, ['busy', 'other'], 'it waits for its turn');
  await turn();
  await turn();
  assert.deepEqual(log, ['busy', 'other', 'busy', 'busy']);
});

test('one that was removed runs no more', async () => {
  const queue = new RunQueue(() => 0);
  const work = new Work('a', []);
  queue.add(work);
  queue.remove(work);
  queue.kick(work);
  await Promise.resolve();
  assert.equal(work.runs, 0);
});

test('one timer wakes everyone at their deadlines', (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 0;
  const pass = (ms: number): void => {
    for (let i = 0; i < ms; i++) {
      now++;
      t.mock.timers.tick(1);
    }
    queue.drain();
  };
  const queue = new RunQueue(() => now);
  const [early, late] = [new Work('early', []), new Work('late', [])];
  early.deadline = 10;
  late.deadline = 30;
  queue.add(late);
  queue.add(early);
  queue.drain();
  pass(20);
  assert.deepEqual([early.ticks, late.ticks], [[10], []]);
  late.deadline = 25;
  queue.kick(late);
  queue.drain();
  pass(10);
  assert.deepEqual(late.ticks, [25]);
  early.deadline = 50;
  queue.kick(early);
  queue.drain();
  queue.close();
  pass(50);
  assert.deepEqual(early.ticks, [10]);
});
