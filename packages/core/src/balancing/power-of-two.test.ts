import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBalancer } from './create-balancer.ts';
import { balancerCases } from './testing/balancer-cases.ts';
import { Endpoint, endpoints, request, seeded } from './testing/endpoints.ts';
import { spreadCases } from './testing/spread-cases.ts';

balancerCases('peak-ewma');
spreadCases('peak-ewma');

interface Answer {
  readonly at: number;
  readonly sentAt: number;
  readonly by: Endpoint;
}

/** Sends a call every millisecond; `latency` says how long each endpoint takes for it. Counts anew. */
function drive(
  candidates: readonly Endpoint[],
  latency: (endpoint: Endpoint) => number,
  { from = 0, forMs = 5_000, slowStartMs = 0 } = {},
): void {
  const balancer = createBalancer('peak-ewma');
  const asked = request({ random: seeded(3), slowStartMs });
  let pending: Answer[] = [];
  for (const endpoint of candidates) endpoint.chosen = 0;
  for (let now = from; now < from + forMs; now++) {
    for (const { at, sentAt, by } of pending) {
      if (at > now) continue;
      by.inFlight--;
      by.latency.observe(at - sentAt, at);
    }
    pending = pending.filter(({ at }) => at > now);
    asked.now = now;
    const by = balancer.choose(candidates, asked)!;
    by.chosen++;
    by.inFlight++;
    pending.push({ at: now + latency(by), sentAt: now, by });
  }
  for (const { by } of pending) by.inFlight--;
}

test('of two instances the one with fewer calls in flight is chosen while no latency is known', () => {
  const candidates = [new Endpoint('busy', { inFlight: 3 }), new Endpoint('idle', { inFlight: 2 })];
  const balancer = createBalancer('peak-ewma');
  for (let call = 0; call < 100; call++) {
    assert.equal(balancer.choose(candidates, request({ random: seeded(call) }))!.id, 'idle');
  }
});

test('a slow instance gets less than a tenth of what a fast one gets', () => {
  const candidates = endpoints(3);
  drive(candidates, ({ id }) => (id === 'echo-2' ? 100 : 5));
  const [first, slow, last] = candidates.map(({ chosen }) => chosen);
  assert.ok(slow! * 10 < Math.min(first!, last!), `${first}, ${slow}, ${last}`);
  assert.ok(slow! > 0);
});

test('an instance that stops to answer holds no more calls than it had in flight, and a few', () => {
  const candidates = endpoints(2);
  drive(candidates, () => 5);
  drive(candidates, ({ id }) => (id === 'echo-2' ? 1e9 : 5), { from: 5_000, forMs: 2_000 });
  assert.ok(candidates[1]!.chosen < 20, `${candidates[1]!.chosen} of 2000 calls`);
});

test('an instance that was slow gets its share back when it is fast again', () => {
  const candidates = endpoints(2);
  drive(candidates, ({ id }) => (id === 'echo-2' ? 50 : 5));
  const whileSlow = candidates[1]!.chosen;
  drive(candidates, () => 5, { from: 60_000 });
  assert.ok(candidates[1]!.chosen > 10 * whileSlow);
  assert.ok(candidates[1]!.chosen > 1_500, `${candidates[1]!.chosen} of 5000 calls`);
});

test('an instance whose first call was slow gets calls again within seconds, also one call at a time', () => {
  const candidates = endpoints(2);
  candidates[0]!.latency.observe(50, 0);
  candidates[1]!.latency.observe(1, 0);
  drive(candidates, () => 1, { forMs: 10_000 });
  assert.ok(candidates[0]!.chosen > 1_000, `${candidates[0]!.chosen} of 10000 calls`);
});

test('calls in flight share out by weight', () => {
  const candidates = endpoints(2, [1, 4]);
  drive(candidates, () => 40);
  const share = candidates[0]!.chosen / 5_000;
  assert.ok(share > 0.15 && share < 0.25, `${share} instead of about 0.2`);
});

test('a heavy instance that is slow loses its calls to a light one', () => {
  const candidates = endpoints(2, [1, 20]);
  drive(candidates, ({ id }) => (id === 'echo-2' ? 200 : 2));
  assert.ok(candidates[1]!.chosen < 1_000, `${candidates[1]!.chosen} of 5000 calls`);
});

test('the fullest of many instances is far below what random choice gives (Mitzenmacher)', () => {
  const fullest = (kind: 'peak-ewma' | 'random') => {
    const candidates = endpoints(100);
    const balancer = createBalancer(kind);
    const asked = request({ random: seeded(5) });
    for (let call = 0; call < 1_000; call++) balancer.choose(candidates, asked)!.inFlight++;
    return Math.max(...candidates.map(({ inFlight }) => inFlight));
  };
  assert.ok(fullest('peak-ewma') <= 13, `${fullest('peak-ewma')} with an average of 10`);
  assert.ok(fullest('random') > 15);
});

test('a new instance takes its full share of a steady load only after its slow start', () => {
  const old = new Endpoint('old');
  const young = new Endpoint('young', { joinedAt: 0 });
  const shares: number[] = [];
  for (let from = 0; from < 3_000; from += 500) {
    drive([old, young], () => 20, { from, forMs: 500, slowStartMs: 2_000 });
    shares.push(young.chosen / 500);
  }
  assert.ok(shares[0]! < 0.2 && shares[1]! > shares[0]! && shares[2]! > shares[1]!, shares.join());
  assert.ok(shares[5]! > 0.4, shares.join());
});
