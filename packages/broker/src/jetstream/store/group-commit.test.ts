import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BrokerError } from '../../broker-error.ts';
import { type BatchMember, GroupCommit } from './group-commit.ts';

/** A batch under a clock and an event loop that the test turns by hand. */
class Bench {
  readonly events: string[] = [];
  readonly failures: BrokerError[] = [];
  readonly commits: GroupCommit;
  readonly member: BatchMember;
  now = 0;
  /** How long the next flush takes. */
  flushMs = 1;
  refuse: Error | undefined;
  #scheduled: (() => void)[] = [];

  constructor() {
    this.commits = new GroupCommit({
      schedule: (flush) => this.#scheduled.push(flush),
      now: () => this.now,
      onFailure: (error) => this.failures.push(error),
      onWorkFailure: (error) => this.events.push(`failed: ${String(error)}`),
      onFlushed: () => this.events.push('flushed'),
    });
    this.member = {
      commit: () => {
        if (this.refuse !== undefined) throw this.refuse;
        this.now += this.flushMs;
        this.events.push('commit');
      },
      rollback: () => this.events.push('rollback'),
    };
  }

  /** Ends the turn of the event loop. */
  turn(): void {
    for (const flush of this.#scheduled.splice(0)) flush();
  }

  say(text: string): () => void {
    return () => this.events.push(text);
  }
}

test('what is said after a commit waits for the end of the turn, and keeps its order', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  bench.commits.afterCommit(bench.say('one'));
  bench.commits.afterCommit(bench.say('two'));
  assert.deepEqual(bench.events, []);
  bench.turn();
  assert.deepEqual(bench.events, ['commit', 'one', 'two', 'flushed']);
});

test('without anything to commit it is said at once', () => {
  const bench = new Bench();
  bench.commits.afterCommit(bench.say('one'));
  assert.deepEqual(bench.events, ['one']);
});

test('what can wait goes into the batch that is next, with whatever it asks for', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  bench.commits.beforeCommit(() => {
    bench.events.push('first');
    bench.commits.beforeCommit(bench.say('second'));
  });
  bench.turn();
  assert.deepEqual(bench.events, ['first', 'second', 'commit', 'flushed']);
  bench.turn();
  assert.equal(bench.events.length, 4);
});

test('what can wait does not wait for ever', async () => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const bench = new Bench();
  bench.commits.beforeCommit(resolve);
  await promise;
});

test('work that writes in turn opens the next batch', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  bench.commits.afterCommit(() => {
    bench.commits.join(bench.member);
    bench.commits.afterCommit(bench.say('later'));
  });
  bench.commits.afterCommit(bench.say('now'));
  bench.turn();
  assert.deepEqual(bench.events, ['commit', 'now', 'flushed']);
  bench.turn();
  assert.deepEqual(bench.events.slice(3), ['commit', 'later', 'flushed']);
});

test('work that fails does not keep the rest from being said', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  bench.commits.afterCommit(() => {
    throw new Error('boom');
  });
  bench.commits.afterCommit(bench.say('two'));
  bench.turn();
  assert.deepEqual(bench.events, ['commit', 'failed: Error: boom', 'two', 'flushed']);
});

test('after a failed commit nothing is said, and nothing more is accepted', () => {
  const bench = new Bench();
  bench.refuse = new Error('no space');
  bench.commits.join(bench.member);
  bench.commits.afterCommit(bench.say('one'));
  bench.turn();
  assert.deepEqual(bench.events, ['rollback']);
  assert.equal(bench.failures.length, 1);
  assert.equal(bench.failures[0]!.code, 'store_failed');
  assert.match(bench.failures[0]!.message, /no space/);
  assert.throws(() => bench.commits.join(bench.member), { code: 'store_failed' });
  bench.commits.afterCommit(bench.say('two'));
  bench.turn();
  assert.deepEqual(bench.events, ['rollback']);
});

test('work in front of a commit that fails is a failed commit', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  bench.commits.beforeCommit(() => {
    throw new Error('full');
  });
  bench.turn();
  assert.equal(bench.commits.failed, true);
  assert.deepEqual(bench.events, ['rollback']);
});

test('a turn after a pause is cut in two, one without a pause is not', () => {
  const bench = new Bench();
  const take = (messages: number): number => {
    const before = bench.events.filter((event) => event === 'commit').length;
    for (let i = 0; i < messages; i++) {
      if (i === 0 || bench.events.at(-1) === 'flushed') bench.commits.join(bench.member);
      bench.events.push('message');
      bench.commits.spent();
    }
    bench.turn();
    return bench.events.filter((event) => event === 'commit').length - before;
  };
  bench.now = 1_000;
  take(64);
  bench.now += 50;
  assert.equal(take(64), 2);
  assert.equal(take(64), 1);
  // A pause that is shorter than a flush is none.
  bench.now += 0.01;
  assert.equal(take(64), 1);
});

test('a batch is not gathered for longer than a few milliseconds', () => {
  const bench = new Bench();
  bench.commits.join(bench.member);
  for (let i = 0; i < 64; i++) {
    bench.now += 1;
    bench.commits.spent();
  }
  assert.deepEqual(bench.events, ['commit', 'flushed']);
});
