import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { defaultPolicy, type ThrottlePolicy } from './policy.ts';
import { seededRandom } from './simulated-calls.ts';
import { Throttle } from './throttle.ts';

const policy: ThrottlePolicy = { enabled: true, ratio: 2, windowMs: 2_000 };

/** Calls for a while against a service that takes `capacity` a second; what it was sent and took in the last second. */
function load(
  throttle: Throttle,
  from: number,
  untilMs: number,
  perSecond: number,
  capacity: number,
  seed = 1,
) {
  const random = seededRandom(seed);
  let sent = 0;
  let taken = 0;
  let free = 0;
  for (let n = 0; n < ((untilMs - from) / 1_000) * perSecond; n++) {
    const now = from + (n / perSecond) * 1_000;
    free = Math.min(1 + capacity / 100, free + capacity / perSecond);
    if (!throttle.admit(now, random())) continue;
    const counts = now >= untilMs - 1_000;
    if (counts) sent++;
    if (free >= 1) {
      free--;
      if (counts) taken++;
      throttle.accepted(now);
    } else throttle.refused(now);
  }
  return { sent, taken };
}

test('nothing is refused while the service accepts its share', () => {
  const throttle = new Throttle(policy);
  for (let n = 0; n < 100; n++) {
    assert.ok(throttle.admit(0, 0));
    throttle.accepted(0);
    throttle.refused(0);
  }
  assert.equal(throttle.refusalChance(0), 0);
});

test('the chance of refusal is (requests − ratio × accepts) / (requests + 1), as in the book', () => {
  const throttle = new Throttle(policy);
  for (let n = 0; n < 20; n++) throttle.accepted(0);
  for (let n = 0; n < 79; n++) throttle.refused(0);
  assert.equal(throttle.refusalChance(0), (99 - 40) / 100);
  assert.equal(throttle.admit(0, 0.6), true);
  assert.equal(throttle.admit(0, 0.58), false);
  assert.equal(throttle.refusalChance(0), (100 - 40) / 101);
});

test('calls whose answer is not there yet are no reason to refuse others', () => {
  const throttle = new Throttle(policy);
  for (let n = 0; n < 10_000; n++) assert.ok(throttle.admit(0, 0));
});

test('a service at ten times its capacity gets about twice what it takes, and goes on taking it', () => {
  const throttle = new Throttle(policy);
  const { sent, taken } = load(throttle, 0, 8_000, 5_000, 500);
  assert.ok(sent < 1_300, `${sent} sent`);
  assert.ok(taken >= 480, `${taken} taken`);
});

test('a service that took nothing has all its calls again within seconds of healing', () => {
  const throttle = new Throttle(policy);
  const during = load(throttle, 0, 5_000, 500, 0);
  assert.ok(during.sent < 75, `${during.sent} sent`);
  const after = load(throttle, 5_000, 11_000, 500, 500);
  assert.ok(after.taken >= 480, `${after.taken} taken`);
});

test('it refuses nothing when switched off', () => {
  const throttle = new Throttle({ ...policy, enabled: false });
  for (let n = 0; n < 100; n++) throttle.refused(0);
  assert.ok(throttle.admit(0, 0));
});

test('whatever the answers were, a tenth of the calls goes, and all when the window has passed', () => {
  const answers = fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 300 })), { maxLength: 300 });
  fc.assert(
    fc.property(answers, (all) => {
      const throttle = new Throttle(defaultPolicy.throttle);
      let now = 0;
      for (const [accepted, wait] of all) {
        now += wait;
        if (accepted) throttle.accepted(now);
        else throttle.refused(now);
        const chance = throttle.refusalChance(now);
        assert.ok(chance >= 0 && chance <= 0.9);
      }
      assert.equal(throttle.refusalChance(now + defaultPolicy.throttle.windowMs), 0);
    }),
  );
});
