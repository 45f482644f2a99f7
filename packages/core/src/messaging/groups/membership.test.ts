import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GroupMembership } from './membership.ts';
import { SimulatedGroup } from './simulated-group.ts';

const ttlMs = 1_000;

describe('the members of a group', () => {
  it('share the partitions evenly', () => {
    const group = new SimulatedGroup({ partitions: 16, ttlMs });
    for (const name of ['a', 'b', 'c']) group.start(name);
    group.run(3 * ttlMs);
    assert.deepEqual(group.shares(), { a: 6, b: 5, c: 5 });
  });

  it('leave some without a partition when there are more of them', () => {
    const group = new SimulatedGroup({ partitions: 1, ttlMs });
    for (const name of ['a', 'b']) group.start(name);
    group.run(3 * ttlMs);
    assert.deepEqual(group.shares(), { a: 1, b: 0 });
  });

  it('renew their records at the same moments in all groups of a process, and are asked for nothing in between', () => {
    const [early, late] = ['orders', 'mail'].map(
      () => new GroupMembership({ instance: 'a', startedAt: 0, partitions: 1, ttlMs: 900 }),
    );
    early!.next(1_000);
    early!.beaten(1, 1_000);
    late!.next(1_130);
    late!.beaten(2, 1_130);
    assert.equal(early!.wakeAt, 1_200);
    assert.equal(late!.wakeAt, 1_200);
  });

  it('give back what a new member is due, and no more', () => {
    const group = new SimulatedGroup({ partitions: 8, ttlMs });
    group.start('a');
    group.run(ttlMs);
    const before = group.owners();
    group.start('b');
    group.run(ttlMs);
    assert.deepEqual(group.shares(), { a: 4, b: 4 });
    assert.equal(group.owners().filter((owner, index) => owner === before[index]).length, 4);
  });

  it('take over from one that is gone after its time to live', () => {
    const group = new SimulatedGroup({ partitions: 4, ttlMs });
    for (const name of ['a', 'b']) group.start(name);
    group.run(2 * ttlMs);
    group.kill('a');
    group.run(0.8 * ttlMs);
    assert.deepEqual(group.shares(), { b: 2 });
    group.run(1.5 * ttlMs);
    assert.deepEqual(group.shares(), { b: 4 });
  });

  it('take over at once from one that leaves', () => {
    const group = new SimulatedGroup({ partitions: 4, ttlMs });
    for (const name of ['a', 'b']) group.start(name);
    group.run(2 * ttlMs);
    group.leave('a');
    group.run(0.3 * ttlMs);
    assert.deepEqual(group.shares(), { b: 4 });
  });

  it('take their own partitions back at once when they start again', () => {
    const group = new SimulatedGroup({ partitions: 4, ttlMs });
    group.start('a');
    group.run(ttlMs);
    group.kill('a');
    group.start('a');
    group.run(0.25 * ttlMs);
    assert.deepEqual(group.shares(), { a: 4 });
    assert.deepEqual(group.epochs(), [2, 2, 2, 2]);
  });

  it('refuse what a stopped owner still writes when it goes on', () => {
    const group = new SimulatedGroup({ partitions: 2, ttlMs });
    for (const name of ['a', 'b']) group.start(name);
    group.run(2 * ttlMs);
    const [partition] = group.ownedBy('a');
    group.pause('a');
    group.run(3 * ttlMs);
    assert.deepEqual(group.shares(), { b: 2 });
    assert.equal(group.commitOnResume('a', partition!), 'refused');
    group.run(3 * ttlMs);
    assert.deepEqual(group.shares(), { a: 1, b: 1 });
  });

  it('let a process that was stopped while its successor of the same name started go for good', () => {
    const group = new SimulatedGroup({ partitions: 2, ttlMs });
    group.start('a');
    group.run(ttlMs);
    group.pause('a');
    const old = group.detach('a');
    group.start('a');
    group.run(ttlMs);
    group.resume(old);
    group.run(3 * ttlMs);
    assert.deepEqual(group.shares(), { a: 2 });
    assert.equal(group.isSuperseded(old), true);
  });

  it('stop what they do before others can take it over, when they cannot reach the bucket', () => {
    const group = new SimulatedGroup({ partitions: 2, ttlMs });
    for (const name of ['a', 'b']) group.start(name);
    group.run(2 * ttlMs);
    group.cut('a');
    group.run(0.9 * ttlMs);
    assert.deepEqual(group.ownedBy('a'), []);
    assert.equal(group.shares().b, 1);
  });

  it('share what a member had that died and came back, also with one that came in between', () => {
    for (let seed = 0; seed < 100; seed++) {
      const group = new SimulatedGroup({ partitions: 5, ttlMs, seed });
      group.do('start', 'a');
      group.run(101);
      group.do('kill', 'a');
      group.do('start', 'd');
      group.do('start', 'a');
      group.run(8 * ttlMs);
      assert.deepEqual(group.shares(), { a: 3, d: 2 }, `seed ${seed}`);
    }
  });

  it('never write a partition in two places under one epoch, and come to rest, whatever happens', () => {
    const step = fc.record({
      kind: fc.constantFrom('start', 'kill', 'leave', 'pause', 'resume', 'cut', 'mend', 'run'),
      member: fc.constantFrom('a', 'b', 'c', 'd'),
      ms: fc.integer({ min: 1, max: 2_500 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.nat(), (steps, seed) => {
        const group = new SimulatedGroup({ partitions: 5, ttlMs, seed });
        for (const { kind, member, ms } of steps) {
          if (kind === 'run') group.run(ms);
          else group.do(kind, member);
        }
        group.do('start', 'a');
        for (const member of ['a', 'b', 'c', 'd']) {
          group.do('resume', member);
          group.do('mend', member);
        }
        group.run(8 * ttlMs);
        const shares = Object.values(group.shares());
        assert.equal(
          shares.reduce((sum, share) => sum + share, 0),
          5,
          `all partitions are owned: ${JSON.stringify(group.shares())}`,
        );
        assert.ok(Math.max(...shares) - Math.min(...shares) <= 1, JSON.stringify(group.shares()));
      }),
      { numRuns: Number(process.env.FLOTILLA_TEST_RUNS ?? 500) },
    );
  });
});
