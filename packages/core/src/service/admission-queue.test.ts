import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Priority } from '../contract/document.ts';
import { AdmissionQueue, priorities } from './admission-queue.ts';

const forever = Number.POSITIVE_INFINITY;

/** Lets a call leave every `intervalMs`, until that is what the queue expects. */
function learn(queue: AdmissionQueue<string>, intervalMs: number): number {
  let now = 0;
  queue.join('teacher', 'high', now);
  for (let n = 0; n < 200; n++) {
    queue.join('teacher', 'high', now);
    now += intervalMs;
    queue.take(now);
  }
  queue.take(now);
  return now;
}

describe('the queue of admission', () => {
  it('lets the higher priority go first, and within one who came first', () => {
    const queue = new AdmissionQueue<string>();
    const arrivals: [string, Priority][] = [
      ['b1', 'background'],
      ['n1', 'normal'],
      ['h1', 'high'],
      ['n2', 'normal'],
      ['h2', 'high'],
    ];
    for (const [call, priority] of arrivals) queue.join(call, priority, 0);
    assert.equal(queue.next(), 'high');
    const left = arrivals.map(() => queue.take(1));
    assert.deepEqual(left, ['h1', 'h2', 'n1', 'n2', 'b1']);
    assert.equal(queue.take(1), undefined);
    assert.equal(queue.next(), undefined);
  });

  it('turns away at once who would wait too long, the lower priorities sooner', () => {
    const queue = new AdmissionQueue<string>({ maxWaitMs: 100 });
    const now = learn(queue, 4);
    for (let n = 0; n < 14; n++) queue.join(`n${n}`, 'normal', now);
    const judge = (priority: Priority) => queue.judge(priority, now, forever);
    assert.deepEqual(priorities.map(judge), ['join', 'join', 'too_long']);
    for (let n = 14; n < 20; n++) queue.join(`n${n}`, 'normal', now);
    assert.deepEqual(priorities.map(judge), ['join', 'too_long', 'too_long']);
    for (let n = 0; n < 30; n++) queue.join(`h${n}`, 'high', now);
    assert.deepEqual(priorities.map(judge), ['too_long', 'too_long', 'too_long']);
  });

  it('lets a burst wait, and keeps itself short in an overload', () => {
    const queue = new AdmissionQueue<string>({ maxWaitMs: 100 });
    let now = learn(queue, 2);
    const fill = () => {
      while (queue.judge('high', now, forever) === 'join') queue.join('h', 'high', now);
      return Math.round(queue.expectedWaitMs('high', now));
    };
    const burst = fill();
    assert.ok(burst > 90 && burst <= 105, `a burst waits ${burst} ms`);
    const served = (calls: number) => {
      for (let n = 0; n < calls && queue.size > 1; n++) {
        now += 2;
        queue.take(now);
      }
    };
    served(200);
    assert.equal(queue.size, 1);
    now += 3;
    const overload = fill();
    assert.ok(overload > 20 && overload <= 30, `in an overload one waits ${overload} ms`);
    served(200);
    now += 2;
    queue.take(now);
    assert.equal(queue.size, 0);
    assert.ok(fill() > 90, 'after it was empty, the next burst may wait again');
  });

  it('lets a burst of high priority wait also in an overload of the others', () => {
    const queue = new AdmissionQueue<string>({ maxWaitMs: 100 });
    let now = learn(queue, 2);
    const joins = (priority: Priority) => {
      let count = 0;
      for (; queue.judge(priority, now, forever) === 'join'; count++) queue.join('', priority, now);
      return count;
    };
    joins('background');
    for (let n = 0; n < 100; n++) {
      now += 2;
      queue.take(now);
      joins('background');
    }
    assert.ok(queue.waiting('background') < 10);
    assert.ok(joins('high') > 40);
  });

  it('does not take it for an overload when the limit is still being found', () => {
    const queue = new AdmissionQueue<string>();
    const now = learn(queue, 10);
    for (let n = 0; n < 50; n++) queue.join('n', 'normal', now);
    assert.equal(queue.judge('normal', now + 150, forever), 'too_long');
    assert.equal(queue.judge('normal', now + 150, forever, true), 'join');
    assert.equal(queue.judge('background', now + 800, forever, true), 'join');
  });

  it('takes as many as it is fast: a thousand waiting calls of 10 µs are no long wait', () => {
    const queue = new AdmissionQueue<string>();
    const now = learn(queue, 0.01);
    for (let n = 0; n < 1000; n++) queue.join('n', 'normal', now);
    assert.equal(queue.judge('background', now, forever), 'join');
  });

  it('turns away who would wait past the deadline', () => {
    const queue = new AdmissionQueue<string>();
    const now = learn(queue, 5);
    for (let n = 0; n < 4; n++) queue.join('n', 'normal', now);
    assert.equal(queue.judge('normal', now, 15), 'too_long');
    assert.equal(queue.judge('normal', now, 25), 'join');
    assert.equal(queue.judge('high', now, 1), 'join');
  });

  it('notices when nobody leaves any more', () => {
    const queue = new AdmissionQueue<string>({ maxWaitMs: 100 });
    const now = learn(queue, 0.1);
    queue.join('n', 'normal', now);
    assert.equal(queue.judge('normal', now + 20, forever), 'join');
    assert.equal(queue.judge('normal', now + 80, forever), 'too_long');
  });

  it('gives the place of the latest of the lowest priority to a higher one when it is full', () => {
    const queue = new AdmissionQueue<string>({ bound: 3 });
    queue.join('b1', 'background', 0);
    queue.join('b2', 'background', 0);
    queue.join('n1', 'normal', 0);
    assert.equal(queue.judge('background', 0, forever), 'queue_full');
    assert.equal(queue.judge('normal', 0, forever), 'displace');
    assert.equal(queue.displace(), 'b2');
    queue.join('n2', 'normal', 0);
    assert.equal(queue.displace(), 'b1');
    queue.join('h1', 'high', 0);
    assert.equal(queue.judge('normal', 0, forever), 'queue_full');
    assert.equal(queue.judge('high', 0, forever), 'displace');
  });

  it('gives out those who have waited as long as they may', () => {
    const queue = new AdmissionQueue<string>({ giveUpMs: 100 });
    queue.join('b1', 'background', 0);
    queue.join('h1', 'high', 50);
    assert.equal(queue.overdue(99), undefined);
    assert.equal(queue.overdue(100), 'b1');
    assert.equal(queue.overdue(100), undefined);
    assert.equal(queue.overdue(150), 'h1');
    assert.equal(queue.size, 0);
  });

  it('behaves like lists sorted by priority, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('join' as const), priority: fc.constantFrom(...priorities) }),
      fc.record({ kind: fc.constantFrom('take' as const, 'displace' as const, 'overdue' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new AdmissionQueue<number>({ bound: 1000, giveUpMs: 40 });
        const model = new Map<Priority, { id: number; since: number }[]>();
        for (const priority of priorities) model.set(priority, []);
        const lists = priorities.map((priority) => model.get(priority)!);
        for (const [now, { kind, ...rest }] of steps.entries()) {
          if (kind === 'join' && 'priority' in rest) {
            queue.join(now, rest.priority, now);
            model.get(rest.priority)!.push({ id: now, since: now });
          } else if (kind === 'take') {
            assert.equal(queue.take(now), lists.find(({ length }) => length > 0)?.shift()?.id);
          } else if (kind === 'displace') {
            assert.equal(queue.displace(), lists.findLast(({ length }) => length > 0)?.pop()?.id);
          } else {
            const late = lists.find((list) => list.length > 0 && now - list[0]!.since >= 40);
            assert.equal(queue.overdue(now), late?.shift()?.id);
          }
          for (const priority of priorities) {
            assert.equal(queue.waiting(priority), model.get(priority)!.length);
          }
          assert.equal(queue.size, lists.flat().length);
        }
      }),
    );
  });

  it('never lets more wait than its bound, nor anybody be expected to wait longer than the longest wait', () => {
    const arrival = fc.record({
      priority: fc.constantFrom(...priorities),
      afterMs: fc.double({ min: 0, max: 5, noNaN: true }),
      leaves: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(arrival, { maxLength: 400 }), (arrivals) => {
        const queue = new AdmissionQueue<number>({ bound: 20, maxWaitMs: 50 });
        let now = 0;
        for (const { priority, afterMs, leaves } of arrivals) {
          now += afterMs;
          if (leaves) queue.take(now);
          const expectedMs = queue.expectedWaitMs(priority, now);
          const verdict = queue.judge(priority, now, forever);
          if (verdict === 'displace') assert.notEqual(queue.displace(), undefined);
          if (verdict === 'join' || verdict === 'displace') {
            assert.ok(expectedMs <= 50);
            queue.join(0, priority, now);
          }
          assert.ok(queue.size <= 20);
        }
      }),
    );
  });
});
