import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Admission, type BreakerState, CircuitBreaker, isProbe, refused } from './circuit-breaker.ts';
import { type BreakerPolicy, defaultPolicy } from './policy.ts';
import { simulate } from './simulated-calls.ts';

const policy: BreakerPolicy = {
  ...defaultPolicy.breaker,
  failureRate: 0.5,
  slowRate: 0.5,
  slowMs: 100,
  slowFactor: 5,
  minimumCalls: 10,
  windowMs: 1_000,
  maxWindowMs: 10_000,
  openMs: 500,
  maxOpenMs: 2_000,
  probes: 3,
};

function breakerAt(state: BreakerState, changes: Partial<BreakerPolicy> = {}) {
  const breaker = new CircuitBreaker({ ...policy, ...changes });
  if (state !== 'closed') for (let n = 0; n < 10; n++) breaker.failed(breaker.admit(0), 0);
  const probe = state === 'half_open' ? breaker.admit(500) : refused;
  assert.equal(breaker.state, state);
  return { breaker, probe };
}

/** Makes 20 ms known as usual. */
function learn(breaker: CircuitBreaker, now: number, latencyMs = 20): void {
  for (let n = 0; n < 10; n++) breaker.succeeded(breaker.admit(now), latencyMs, now);
}

it('A deadline tells of an operation when it was several times what is usual, which is not yet slow', () => {
  const breaker = new CircuitBreaker(policy);
  assert.equal(breaker.patienceMs, 0);
  learn(breaker, 0, 1);
  assert.deepEqual([breaker.patienceMs, breaker.slowAfterMs], [20, 100]);
  const slower = new CircuitBreaker(policy);
  learn(slower, 0, 50);
  assert.deepEqual([slower.patienceMs, slower.slowAfterMs], [250, 250]);
});

describe('A closed breaker', () => {
  it('opens when the share of failures reaches the rate', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 10; n++) breaker.succeeded(breaker.admit(0), 1, 0);
    for (let n = 0; n < 9; n++) breaker.failed(breaker.admit(0), 0);
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(breaker.counts(0), { calls: 19, failures: 9, slow: 0 });
    breaker.failed(breaker.admit(0), 0);
    assert.equal(breaker.state, 'open');
  });

  it('judges nothing below the minimum of calls, and then at any call, even a success', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 9; n++) breaker.failed(breaker.admit(0), 0);
    assert.equal(breaker.state, 'closed');
    breaker.succeeded(breaker.admit(0), 1, 0);
    assert.equal(breaker.state, 'open');
  });

  it('forgets failures that are older than the window once it holds enough calls', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 4; n++) breaker.failed(breaker.admit(0), 0);
    for (let n = 0; n < 11; n++) breaker.succeeded(breaker.admit(1_500), 1, 1_500);
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(breaker.counts(1_500), { calls: 11, failures: 0, slow: 0 });
  });

  it('reaches back beyond the window when calls are rare', () => {
    const breaker = new CircuitBreaker(policy);
    for (let now = 0; now < 10_000; now += 1_000) breaker.failed(breaker.admit(now), now);
    assert.equal(breaker.state, 'open');
  });

  it('stays closed when calls are so rare that the longest window holds too few', () => {
    const breaker = new CircuitBreaker(policy);
    for (let now = 0; now < 100_000; now += 1_200) breaker.failed(breaker.admit(now), now);
    assert.equal(breaker.state, 'closed');
  });

  it('does not count what was released', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 50; n++) breaker.released(breaker.admit(0));
    assert.deepEqual(breaker.counts(0), { calls: 0, failures: 0, slow: 0 });
  });

  it('forgives what failed until now, and not what was slow', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 8; n++) breaker.failed(breaker.admit(0), 0);
    breaker.slow(breaker.admit(0), 0);
    breaker.forgiveFailures();
    assert.deepEqual(breaker.counts(0), { calls: 1, failures: 0, slow: 1 });
    assert.equal(breaker.state, 'closed');
  });
});

describe('Slow calls', () => {
  it('are none until it is known what is usual', () => {
    const breaker = new CircuitBreaker(policy);
    assert.equal(breaker.slowAfterMs, Number.POSITIVE_INFINITY);
    for (let n = 0; n < 10; n++) breaker.succeeded(breaker.admit(0), 60_000, 0);
    assert.equal(breaker.state, 'closed');
  });

  it('are those slower than the limit and than several times what is usual', () => {
    const fast = new CircuitBreaker(policy);
    learn(fast, 0, 1);
    assert.equal(fast.slowAfterMs, 100);
    const leisurely = new CircuitBreaker(policy);
    learn(leisurely, 0, 800);
    assert.equal(leisurely.slowAfterMs, 4_000);
  });

  it('open it, whether they are noticed in flight or at their end', () => {
    for (const inFlight of [true, false]) {
      const breaker = new CircuitBreaker(policy);
      learn(breaker, 0);
      for (let n = 0; n < 10; n++) {
        assert.equal(breaker.state, 'closed');
        const admission = breaker.admit(5_000);
        if (inFlight) breaker.slow(admission, 5_000);
        else breaker.succeeded(admission, 150, 5_000);
      }
      assert.equal(breaker.state, 'open');
    }
  });

  it('do not become usual within a minute, and do after some', () => {
    const breaker = new CircuitBreaker({ ...policy, slowMs: 500 });
    learn(breaker, 0);
    const before = breaker.slowAfterMs;
    const becomesUsualAfter = () => {
      for (let now = 0; now < 3_600_000; now += 50) {
        const admission = breaker.admit(now);
        if (admission === refused) continue;
        if (breaker.slowAfterMs > 2_020) return now;
        breaker.slow(admission, now);
        breaker.released(admission);
      }
      return Number.POSITIVE_INFINITY;
    };
    assert.equal(before, 500);
    const after = becomesUsualAfter();
    assert.ok(after > 60_000, `${after} ms`);
    assert.ok(after < 3_600_000, `${after} ms`);
  });

  it('after a long silence do not become usual by one call', () => {
    const breaker = new CircuitBreaker(policy);
    learn(breaker, 0);
    breaker.succeeded(breaker.admit(86_400_000), 90, 86_400_000);
    assert.ok(breaker.slowAfterMs < 5 * 30);
  });
});

describe('An open breaker', () => {
  it('refuses until its time is over, says how long, then lets probes through', () => {
    const { breaker } = breakerAt('open');
    assert.equal(breaker.admit(499), refused);
    assert.equal(breaker.retryAfterMs(300), 200);
    assert.ok(isProbe(breaker.admit(500)));
    assert.equal(breaker.state, 'half_open');
  });

  it('does not hear of calls that were admitted before it opened', () => {
    const breaker = new CircuitBreaker(policy);
    const hanging = Array.from({ length: 30 }, () => breaker.admit(0));
    for (let n = 0; n < 10; n++) breaker.failed(breaker.admit(0), 0);
    for (let n = 0; n < 3; n++) breaker.succeeded(breaker.admit(600), 1, 600);
    assert.equal(breaker.state, 'closed');
    for (const admission of hanging) breaker.failed(admission, 700);
    assert.equal(breaker.state, 'closed');
    assert.equal(breaker.counts(700).failures, 0);
  });
});

describe('A half-open breaker', () => {
  it('closes after as many successes as it has probes, and then begins without a past', () => {
    const { breaker, probe } = breakerAt('half_open');
    breaker.succeeded(probe, 1, 510);
    breaker.succeeded(breaker.admit(510), 1, 510);
    assert.equal(breaker.state, 'half_open');
    breaker.succeeded(breaker.admit(510), 1, 510);
    assert.equal(breaker.state, 'closed');
    assert.deepEqual(breaker.counts(510), { calls: 0, failures: 0, slow: 0 });
  });

  it('opens at one failed probe for twice as long, up to the longest', () => {
    const { breaker } = breakerAt('open');
    let now = 0;
    for (const openMs of [500, 1_000, 2_000, 2_000]) {
      assert.equal(breaker.admit(now + openMs - 1), refused);
      now += openMs;
      breaker.failed(breaker.admit(now), now);
      assert.equal(breaker.state, 'open');
    }
  });

  it('opens at a slow probe, noticed in flight or at its end', () => {
    for (const inFlight of [true, false]) {
      const breaker = new CircuitBreaker(policy);
      learn(breaker, 0);
      for (let n = 0; n < 10; n++) breaker.failed(breaker.admit(0), 0);
      const probe = breaker.admit(500);
      if (inFlight) breaker.slow(probe, 600);
      else breaker.succeeded(probe, 100, 600);
      assert.equal(breaker.state, 'open');
      assert.equal(breaker.retryAfterMs(600), 1_000);
    }
  });

  it('is not held half-open by probes that hang', () => {
    const { breaker, probe } = breakerAt('half_open');
    const hanging = [probe, breaker.admit(500)];
    breaker.failed(breaker.admit(500), 510);
    const fresh = [1_510, 1_510, 1_510].map((now) => breaker.admit(now));
    assert.ok(fresh.every(isProbe));
    for (const admission of hanging) breaker.failed(admission, 1_520);
    assert.equal(breaker.state, 'half_open');
    for (const admission of fresh) breaker.succeeded(admission, 1, 1_530);
    assert.equal(breaker.state, 'closed');
  });

  it('gives the place of a released probe to another', () => {
    const { breaker, probe } = breakerAt('half_open', { probes: 1 });
    assert.equal(breaker.admit(500), refused);
    breaker.released(probe);
    assert.ok(isProbe(breaker.admit(501)));
  });
});

describe('By hand', () => {
  it('it is held open or closed, whatever happens, and then decides again from closed', () => {
    const changes: string[] = [];
    const breaker = new CircuitBreaker(policy, (from, to, now) => changes.push(`${from} ${to} ${now}`));
    breaker.force('open', 1);
    breaker.force('open', 2);
    assert.equal(breaker.admit(100_000), refused);
    assert.equal(breaker.state, 'open');
    assert.ok(breaker.retryAfterMs(100_000) > 0);
    breaker.force('closed', 3);
    for (let n = 0; n < 50; n++) breaker.failed(breaker.admit(3), 3);
    assert.equal(breaker.state, 'closed');
    breaker.force(undefined, 4);
    assert.equal(breaker.counts(4).failures, 0);
    for (let n = 0; n < 10; n++) breaker.failed(breaker.admit(4), 4);
    assert.deepEqual(changes, ['closed open 1', 'open closed 3', 'closed open 4']);
  });

  it('it can be switched off while open', () => {
    const { breaker } = breakerAt('open');
    breaker.policy = { ...policy, enabled: false };
    assert.equal(breaker.state, 'closed');
    for (let n = 0; n < 50; n++) {
      const admission = breaker.admit(1);
      assert.notEqual(admission, refused);
      breaker.failed(admission, 1);
    }
    assert.equal(breaker.state, 'closed');
  });

  it('a new policy counts from the next call', () => {
    const breaker = new CircuitBreaker(policy);
    for (let n = 0; n < 5; n++) breaker.failed(breaker.admit(0), 0);
    breaker.policy = { ...policy, minimumCalls: 6 };
    breaker.failed(breaker.admit(0), 0);
    assert.equal(breaker.state, 'open');
  });
});

describe('With the default policy', () => {
  it('two more seconds and 30 % errors open it in under 1 s, and it is closed within 5 s of healing', () => {
    const perSecond = fc.integer({ min: 20, max: 500 });
    const faultMs = fc.integer({ min: 2_000, max: 20_000 });
    fc.assert(
      fc.property(perSecond, faultMs, fc.integer(), (rate, fault, seed) => {
        const heals = 3_000 + fault;
        const { changes } = simulate({
          seed,
          callsPerSecond: rate,
          untilMs: heals + 6_000,
          outcome: (now, random) =>
            now >= 3_000 && now < heals
              ? { latencyMs: 2_005, failed: random() < 0.3 }
              : { latencyMs: 5, failed: false },
        });
        const opened = changes.find(({ to }) => to === 'open');
        assert.ok(opened && opened.at < 4_000, `opened at ${opened?.at}`);
        const last = changes.at(-1)!;
        assert.equal(last.to, 'closed');
        assert.ok(last.at < heals + 5_000, `closed ${last.at - heals} ms after healing`);
        assert.ok(
          changes.slice(0, -1).every(({ to }) => to !== 'closed'),
          'closed while the fault lasts',
        );
      }),
      { numRuns: 40 },
    );
  });

  it('a service that answers nothing for a while is closed within 5 s of healing, although calls still hang', () => {
    for (const rate of [20, 200]) {
      const { changes } = simulate({
        seed: rate,
        callsPerSecond: rate,
        untilMs: 20_000,
        outcome: (now) =>
          now >= 3_000 && now < 8_000 ? { latencyMs: 10_000, failed: true } : { latencyMs: 5, failed: false },
      });
      assert.ok(changes[0]!.at < 4_000);
      assert.equal(changes.at(-1)!.to, 'closed');
      assert.ok(changes.at(-1)!.at < 13_000);
    }
  });

  it('ten per cent of errors and a slow call now and then leave it closed', () => {
    const { changes } = simulate({
      seed: 7,
      callsPerSecond: 100,
      untilMs: 60_000,
      outcome: (_now, random) => ({ latencyMs: random() < 0.05 ? 1_000 : 5, failed: random() < 0.1 }),
    });
    assert.deepEqual(changes, []);
  });
});

type Step =
  | { readonly do: 'admit' | 'wait'; readonly ms: number }
  | { readonly do: 'succeed' | 'fail' | 'slow' | 'release'; readonly which: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ do: fc.constant('admit' as const), ms: fc.constant(0) }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 1_500 }) }),
  fc.record({
    do: fc.constantFrom('succeed' as const, 'fail' as const, 'slow' as const, 'release' as const),
    which: fc.nat(),
  }),
);

it('Never are more probes under way than the policy says, and never is a call let through an open breaker', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 300 }), (probes, steps) => {
      let episode = 0;
      const breaker = new CircuitBreaker({ ...policy, probes, minimumCalls: 3 }, () => {
        episode++;
      });
      const inFlight: { admission: Admission; episode: number; slow: boolean }[] = [];
      let now = 0;
      for (const one of steps) {
        if (one.do === 'wait') now += one.ms;
        else if (one.do === 'admit') {
          const admission = breaker.admit(now);
          if (admission === refused) assert.notEqual(breaker.state, 'closed');
          else {
            assert.equal(isProbe(admission), breaker.state === 'half_open');
            assert.notEqual(breaker.state, 'open');
            inFlight.push({ admission, episode, slow: false });
          }
        } else if ('which' in one && inFlight.length > 0) {
          const at = one.which % inFlight.length;
          const call = inFlight[at]!;
          if (one.do === 'slow') {
            if (!call.slow) breaker.slow(call.admission, now);
            call.slow = true;
          } else {
            inFlight.splice(at, 1);
            if (call.slow || one.do === 'release') breaker.released(call.admission);
            else if (one.do === 'succeed') breaker.succeeded(call.admission, 1, now);
            else breaker.failed(call.admission, now);
          }
        }
        if (breaker.state === 'half_open') {
          const slots = inFlight.filter((call) => call.episode === episode && isProbe(call.admission)).length;
          assert.ok(slots <= probes, `${slots} probes`);
        }
      }
    }),
    { numRuns: 300 },
  );
});
