import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { mayEject, OutlierDetector } from './outlier.ts';
import { defaultPolicy, type EjectionPolicy } from './policy.ts';

const policy: EjectionPolicy = {
  enabled: true,
  consecutiveFailures: 5,
  failureRate: 0.6,
  minimumCalls: 20,
  windowMs: 1_000,
  baseMs: 2_000,
  maxMs: 5_000,
  maxShare: 0.5,
};

describe('An instance', () => {
  it('is an outlier after failures in a row, and a success breaks the row', () => {
    const detector = new OutlierDetector(policy);
    const fail = () => detector.failed(0);
    assert.deepEqual([fail(), fail(), fail(), fail()], [false, false, false, false]);
    detector.succeeded(0);
    assert.deepEqual([fail(), fail(), fail(), fail(), fail()], [false, false, false, false, true]);
  });

  it('is an outlier when too large a share of enough calls fails', () => {
    const detector = new OutlierDetector(policy);
    let outlierAfter = 0;
    // Three of five fail, never five in a row.
    for (let call = 1; call <= 40 && outlierAfter === 0; call++) {
      if (call % 5 < 2) detector.succeeded(0);
      else if (detector.failed(0)) outlierAfter = call;
    }
    assert.ok(outlierAfter >= 20 && outlierAfter < 25, `after ${outlierAfter} calls`);
  });

  it('is none for failures that are spread over time', () => {
    const detector = new OutlierDetector(policy);
    for (let now = 0; now < 60_000; now += 100) {
      if (now % 300 === 0) detector.succeeded(now);
      else assert.equal(detector.failed(now), false);
    }
  });

  it('that still is an outlier is told so at every failure, until it is ejected', () => {
    const detector = new OutlierDetector(policy);
    for (let n = 0; n < 4; n++) detector.failed(0);
    assert.ok(detector.failed(0));
    assert.ok(detector.failed(1));
    detector.eject(1);
    assert.equal(detector.failed(2), false);
  });

  it('is never one when ejection is switched off, and is back when it is switched off later', () => {
    const detector = new OutlierDetector({ ...policy, enabled: false });
    for (let n = 0; n < 50; n++) assert.equal(detector.failed(0), false);
    detector.policy = policy;
    detector.eject(0);
    assert.ok(detector.isEjected(1));
    detector.policy = { ...policy, enabled: false };
    assert.equal(detector.isEjected(1), false);
  });
});

describe('An ejection', () => {
  it('takes longer each time, up to the longest', () => {
    const detector = new OutlierDetector(policy);
    let now = 0;
    for (const lasts of [2_000, 4_000, 5_000, 5_000]) {
      detector.eject(now);
      assert.equal(detector.ejectedUntil, now + lasts);
      assert.ok(detector.isEjected(now + lasts - 1));
      now += lasts;
      assert.equal(detector.isEjected(now), false);
    }
  });

  it('is shorter again after a quiet while', () => {
    const detector = new OutlierDetector(policy);
    for (const now of [0, 2_000, 6_000]) detector.eject(now);
    assert.equal(detector.ejections, 3);
    // Ends at 11 s; 3 × 2 s of quiet take one off, the next 2 × 2 s another.
    detector.eject(11_000 + 10_500);
    assert.equal(detector.ejections, 2);
    detector.eject(detector.ejectedUntil + 3_600_000);
    assert.equal(detector.ejections, 1);
  });

  it('leaves nothing that is held against the instance afterwards', () => {
    const detector = new OutlierDetector(policy);
    for (let n = 0; n < 5; n++) detector.failed(0);
    detector.eject(0);
    assert.deepEqual(
      [1, 2, 3, 4].map(() => detector.failed(2_000)),
      [false, false, false, false],
    );
    assert.ok(detector.failed(2_000));
  });
});

describe('How many may be ejected', () => {
  it('is at least one of two, and never the last', () => {
    const small = { ...policy, maxShare: 0.1 };
    assert.equal(mayEject(1, 0, small), false);
    assert.equal(mayEject(2, 0, small), true);
    assert.equal(mayEject(2, 1, small), false);
    assert.equal(mayEject(2, 1, { ...policy, maxShare: 1 }), false);
    assert.equal(mayEject(0, 0, policy), false);
    assert.equal(mayEject(9, 0, { ...policy, enabled: false }), false);
  });

  it('is never more than the share, but one', () => {
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200 }), share, (total, maxShare) => {
        let ejected = 0;
        while (mayEject(total, ejected, { ...policy, maxShare })) ejected++;
        assert.ok(ejected <= Math.max(1, total * maxShare));
        assert.ok(ejected < Math.max(1, total));
        if (total >= 2) assert.ok(ejected >= 1);
      }),
    );
  });

  it('holds over any course of answers of a service’s instances', () => {
    const answer = fc.record({
      instance: fc.nat(),
      failed: fc.boolean(),
      after: fc.integer({ min: 0, max: 400 }),
    });
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 9 }), fc.array(answer, { maxLength: 400 }), (total, answers) => {
        const quick = { ...defaultPolicy.ejection, consecutiveFailures: 2, minimumCalls: 3 };
        const detectors = Array.from({ length: total }, () => new OutlierDetector(quick));
        let now = 0;
        for (const { instance, failed, after } of answers) {
          now += after;
          const ejected = () => detectors.filter((one) => one.isEjected(now)).length;
          const detector = detectors[instance % total]!;
          if (!failed) detector.succeeded(now);
          else if (detector.failed(now) && mayEject(total, ejected(), quick)) detector.eject(now);
          assert.ok(ejected() <= Math.max(1, total * quick.maxShare));
        }
      }),
    );
  });
});
