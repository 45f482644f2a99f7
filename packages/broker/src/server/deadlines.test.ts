import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Deadlines } from './deadlines.ts';

const LIMITS = { authTimeoutMs: 200, writeDeadlineMs: 1_000, pingIntervalMs: 10_000, maxPingsOut: 2 };

function authenticated(): Deadlines {
  const deadlines = new Deadlines(LIMITS, 0);
  deadlines.authenticated = true;
  return deadlines;
}

describe('authentication', () => {
  test('a client has exactly the given time for CONNECT', () => {
    const deadlines = new Deadlines(LIMITS, 1_000);
    assert.equal(deadlines.check(1_199, false), 'fine');
    assert.equal(deadlines.check(1_200, false), 'authentication-timeout');
    deadlines.authenticated = true;
    assert.equal(deadlines.check(9_000, false), 'fine');
  });

  test('talking does not extend it', () => {
    const deadlines = new Deadlines(LIMITS, 0);
    deadlines.heard();
    assert.equal(deadlines.check(200, false), 'authentication-timeout');
  });
});

describe('taking bytes', () => {
  test('the deadline starts when bytes wait, and again with every write that is taken', () => {
    const deadlines = authenticated();
    assert.equal(deadlines.check(5_000, false), 'fine');
    assert.equal(deadlines.check(5_999, true), 'fine');
    deadlines.written();
    assert.equal(deadlines.check(6_500, true), 'fine');
    assert.equal(deadlines.check(7_499, true), 'fine');
    assert.equal(deadlines.check(7_500, true), 'write-timeout');
  });
});

describe('liveness', () => {
  test('a silent client is asked at each interval, and stale when it has not answered the allowed number', () => {
    const deadlines = authenticated();
    assert.equal(deadlines.check(9_999, false), 'fine');
    assert.equal(deadlines.check(10_000, false), 'send-ping');
    assert.equal(deadlines.check(19_999, false), 'fine');
    assert.equal(deadlines.check(20_000, false), 'send-ping');
    assert.equal(deadlines.check(29_999, false), 'fine');
    assert.equal(deadlines.check(30_000, false), 'stale');
  });

  test('an answer starts the count again', () => {
    const deadlines = authenticated();
    for (let now = 10_000; now < 200_000; now += 10_000) {
      assert.equal(deadlines.check(now, false), 'send-ping');
      deadlines.answered();
    }
  });

  test('a client that has just been heard is not asked before it has been silent for an interval', () => {
    const deadlines = authenticated();
    deadlines.heard();
    assert.equal(deadlines.check(6_000, false), 'fine');
    assert.equal(deadlines.check(10_000, false), 'fine');
    assert.equal(deadlines.check(15_999, false), 'fine');
    assert.equal(deadlines.check(16_000, false), 'send-ping');
  });

  test('a client that talks without answering PING is stale all the same', () => {
    const deadlines = authenticated();
    const verdicts = [10_000, 20_000, 30_000].map((now) => {
      const verdict = deadlines.check(now, false);
      deadlines.heard();
      return verdict;
    });
    assert.deepEqual(verdicts, ['send-ping', 'send-ping', 'stale']);
  });
});
