import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, integer, property, string } from 'fast-check';
import { ConsistentHash } from './consistent-hash.ts';
import { createBalancer } from './create-balancer.ts';
import { balancerCases } from './testing/balancer-cases.ts';
import { type Endpoint, endpoints, request, seeded } from './testing/endpoints.ts';

balancerCases('consistent-hash');

const keys = Array.from({ length: 5_000 }, (_, n) => `account-${n}`);

function owners(candidates: readonly Endpoint[]): Map<string, string> {
  const balancer = new ConsistentHash();
  return new Map(keys.map((key) => [key, balancer.choose(candidates, request({ key }))!.id]));
}

function shareOf(id: string, owned: ReadonlyMap<string, string>): number {
  return [...owned.values()].filter((owner) => owner === id).length / owned.size;
}

test('a key always goes to the same instance, in every process, whatever the order of the instances', () => {
  const candidates = endpoints(7);
  assert.deepEqual(owners([...candidates].reverse()), owners(candidates));
});

test('keys are shared out evenly, or by weight', () => {
  const even = owners(endpoints(5));
  for (let n = 1; n <= 5; n++) {
    const share = shareOf(`echo-${n}`, even);
    assert.ok(share > 0.15 && share < 0.26, `${share} of echo-${n}`);
  }
  const weighed = shareOf('echo-2', owners(endpoints(2, [1, 3])));
  assert.ok(weighed > 0.68 && weighed < 0.82, `${weighed} with three quarters of the weight`);
});

test('when an instance leaves only its own keys move, and come back with it', () => {
  check(
    property(integer({ min: 2, max: 12 }), integer({ min: 0 }), (count, at) => {
      const all = endpoints(count);
      const gone = all[at % count]!;
      const before = owners(all);
      const after = owners(all.filter((candidate) => candidate !== gone));
      for (const [key, owner] of before) {
        if (owner !== gone.id) assert.equal(after.get(key), owner);
        else assert.notEqual(after.get(key), owner);
      }
    }),
    { numRuns: 20 },
  );
});

test('no instance has more calls in flight than 1.25 times the average, rounded up', () => {
  const keyed = array(string({ maxLength: 2 }), { minLength: 1, maxLength: 300 });
  check(
    property(integer({ min: 2, max: 9 }), keyed, (count, calls) => {
      const candidates = endpoints(count);
      const balancer = new ConsistentHash();
      for (const [sent, key] of calls.entries()) {
        balancer.choose(candidates, request({ key }))!.inFlight++;
        const bound = Math.ceil((1.25 * (sent + 1)) / count);
        for (const { id, inFlight } of candidates)
          assert.ok(inFlight <= bound, `${id}: ${inFlight} > ${bound}`);
      }
    }),
  );
});

test('by weight the bound is in proportion', () => {
  check(
    property(
      array(constantFrom(0.5, 1, 2, 10), { minLength: 2, maxLength: 6 }),
      integer(),
      (weights, seed) => {
        const candidates = endpoints(weights.length, weights);
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        const balancer = new ConsistentHash();
        const random = seeded(seed);
        for (let sent = 1; sent <= 200; sent++) {
          balancer.choose(candidates, request({ key: `k${Math.floor(random() * 8)}` }))!.inFlight++;
        }
        for (const { inFlight, weight } of candidates) {
          assert.ok(inFlight <= Math.ceil((1.25 * 200 * weight) / total));
        }
      },
    ),
  );
});

test('a hot key overflows to the same few neighbours, and returns to its owner', () => {
  const candidates = endpoints(8);
  const balancer = new ConsistentHash();
  const asked = request({ key: 'BTC-USD' });
  const owner = balancer.choose(candidates, asked)!;
  owner.inFlight = 10;
  const neighbour = balancer.choose(candidates, asked)!;
  assert.notEqual(neighbour, owner);
  for (let call = 0; call < 10; call++) assert.equal(balancer.choose(candidates, asked), neighbour);
  owner.inFlight = 0;
  assert.equal(balancer.choose(candidates, asked), owner);
});

test('a call without a key goes to the less loaded of two', () => {
  const candidates = endpoints(2);
  candidates[0]!.inFlight = 5;
  const balancer = createBalancer('consistent-hash');
  for (let call = 0; call < 50; call++) {
    assert.equal(balancer.choose(candidates, request({ random: seeded(call) })), candidates[1]);
  }
});
