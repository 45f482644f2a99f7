import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Message } from '../../routing/message.ts';
import { Router } from '../../routing/router.ts';
import type { Subscriber } from '../../routing/subscription.ts';
import type { Commits } from '../store/commits.ts';
import { Confirmations } from './confirmations.ts';
import { ProgressWriter } from './progress-writer.ts';

/** Commits when told to. */
class ManualCommits implements Commits {
  #before: (() => void)[] = [];
  #after: (() => void)[] = [];

  afterCommit(work: () => void): void {
    this.#after.push(work);
  }

  beforeCommit(work: () => void): void {
    this.#before.push(work);
  }

  commit(): void {
    for (const work of this.#before.splice(0)) work();
    for (const work of this.#after.splice(0)) work();
  }
}

function bench(t: TestContext) {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  let now = 1_000;
  const commits = new ManualCommits();
  const progress = new ProgressWriter(commits, () => now);
  const one = { written: 0, writeProgress: () => one.written++ };
  const pass = (ms: number): void => {
    now += ms;
    t.mock.timers.tick(ms);
  };
  return { commits, progress, one, pass };
}

test('progress goes along with a commit that happens anyway', (t) => {
  const { commits, progress, one } = bench(t);
  progress.changed(one);
  progress.changed(one);
  assert.equal(one.written, 0);
  commits.commit();
  assert.equal(one.written, 1);
  commits.commit();
  assert.equal(one.written, 1);
});

test('it is written at most every 50 ms', (t) => {
  const { commits, progress, one, pass } = bench(t);
  progress.changed(one);
  commits.commit();
  for (let ms = 0; ms < 49; ms++) {
    progress.changed(one);
    pass(1);
    commits.commit();
  }
  assert.equal(one.written, 1);
  pass(1);
  commits.commit();
  assert.equal(one.written, 2);
});

test('closing writes what is outstanding', (t) => {
  const { commits, progress, one, pass } = bench(t);
  progress.changed(one);
  commits.commit();
  progress.changed(one);
  progress.close();
  assert.equal(one.written, 2);
  pass(100);
  commits.commit();
  assert.equal(one.written, 2);
});

test('an acknowledgement is confirmed after the commit of what it changed, all of a turn together', async (t) => {
  const { commits, progress, one } = bench(t);
  const router = new Router();
  const answers: string[] = [];
  const origin: Subscriber = { echo: false, deliver: () => false, expired: () => {} };
  const client: Subscriber = {
    echo: true,
    deliver: (_, message: Message) => answers.push(`${message.subject} after ${one.written}`) > 0,
    expired: () => {},
  };
  router.subscribe(client, 'answer.*', '', '1');
  const confirmations = new Confirmations(commits, progress, router, origin);
  progress.changed(one);
  confirmations.add(one, 'answer.1');
  confirmations.add(one, 'answer.2');
  await Promise.resolve();
  assert.deepEqual([one.written, answers], [1, []]);
  commits.commit();
  assert.deepEqual(answers, ['answer.1 after 1', 'answer.2 after 1']);
});
