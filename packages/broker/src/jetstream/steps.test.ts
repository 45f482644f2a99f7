import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Steps } from './steps.ts';
import { waitUntil } from './testing/in-process.ts';

function unexpected(error: unknown): never {
  throw error;
}

test('tasks take turns, a step each, until they are done', async () => {
  const steps = new Steps(unexpected);
  const done: string[] = [];
  const task = (name: string, count: number): void => {
    let left = count;
    steps.run(() => {
      done.push(name);
      return --left === 0;
    });
  };
  task('a', 3);
  task('b', 2);
  assert.deepEqual(done, []);
  await waitUntil(() => steps.pending === 0);
  assert.deepEqual(done, ['a', 'b', 'a', 'b', 'a']);
});

test('a task that fails is given up, and the others go on', async () => {
  const errors: unknown[] = [];
  const steps = new Steps((error) => errors.push(error));
  let calls = 0;
  steps.run(() => {
    throw new Error('boom');
  });
  steps.run(() => ++calls === 2);
  await waitUntil(() => calls === 2);
  assert.deepEqual(errors.map(String), ['Error: boom']);
  assert.equal(steps.pending, 0);
});

test('the loop has time for others between two steps', async () => {
  const steps = new Steps(unexpected);
  let turns = 0;
  let left = 20;
  const count = (): void => {
    turns++;
    if (left > 0) setImmediate(count);
  };
  setImmediate(count);
  steps.run(() => --left === 0);
  await waitUntil(() => left === 0);
  assert.ok(turns >= 20, String(turns));
});

test('nothing is done after closing', async () => {
  const steps = new Steps(unexpected);
  steps.run(() => assert.fail('ran'));
  steps.close();
  steps.run(() => assert.fail('ran'));
  let later = false;
  setTimeout(() => {
    later = true;
  }, 5);
  await waitUntil(() => later);
});
