import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Progress } from './progress.ts';

function progressOf(heads: number[]): { progress: Progress; asked: number[] } {
  const asked: number[] = [];
  const progress = new Progress(heads.length);
  progress.attach(heads.length, async (partition) => {
    asked.push(partition);
    return heads[partition]!;
  });
  return { progress, asked };
}

describe('the progress of a group', () => {
  it('resolves who waits for what is reached, and nobody before', async () => {
    const { progress } = progressOf([0, 0]);
    const events: string[] = [];
    const waiting = [
      progress.waitFor(5).then(() => events.push('first')),
      progress.waitFor(5, { partition: 1 }).then(() => events.push('second')),
    ];
    progress.reached(0, 4, 4);
    progress.reached(1, 9, 9);
    await waiting[1];
    assert.deepEqual(events, ['second']);
    progress.reached(0, 6, 6);
    await Promise.all(waiting);
    assert.deepEqual([progress.applied(), progress.applied(1)], [6, 9]);
    await progress.waitFor(6);
  });

  it('is waited for by positions, and caught up with by sequences', async () => {
    const { progress } = progressOf([40]);
    progress.reached(0, 40, 7);
    assert.equal(progress.applied(), 7);
    await progress.waitFor(7);
    assert.equal(await progress.caughtUp(), true);
  });

  it('has caught up once every partition has what was in the stream at the question', async () => {
    const { progress, asked } = progressOf([3, 8]);
    progress.reached(0, 5, 5);
    const answers = Promise.all([progress.caughtUp(), progress.caughtUp()]);
    progress.reached(1, 8, 8);
    assert.deepEqual(await answers, [true, true]);
    assert.deepEqual(asked, [0, 1], 'asked once for both');
  });

  it('says so when it cannot be caught up with in time', async () => {
    const { progress } = progressOf([3]);
    assert.equal(await progress.caughtUp({ withinMs: 5 }), false);
    const silent = new Progress(1);
    silent.attach(1, () => Promise.reject(new Error('the broker is away')));
    assert.equal(await silent.caughtUp(), false);
  });

  it('lets a waiter go when its signal aborts', async () => {
    const { progress } = progressOf([3]);
    const reader = new AbortController();
    const waiting = progress.waitFor(3, { signal: reader.signal });
    reader.abort(new Error('gone'));
    await assert.rejects(waiting, /gone/);
    await assert.rejects(progress.waitFor(3, { signal: reader.signal }), /gone/);
  });
});
