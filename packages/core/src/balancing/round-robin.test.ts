import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, integer, property } from 'fast-check';
import { createBalancer } from './create-balancer.ts';
import { balancerCases } from './testing/balancer-cases.ts';
import { Endpoint, endpoints, request, seeded } from './testing/endpoints.ts';
import { spreadCases } from './testing/spread-cases.ts';

balancerCases('round-robin');
spreadCases('round-robin');

test('everybody has a turn before anybody has a second one', () => {
  check(
    property(integer({ min: 2, max: 12 }), integer(), (count, seed) => {
      const candidates = endpoints(count);
      const balancer = createBalancer('round-robin');
      const asked = request({ random: seeded(seed) });
      for (let round = 0; round < 5; round++) {
        const turns = candidates.map(() => balancer.choose(candidates, asked)!.id);
        assert.equal(new Set(turns).size, count);
      }
    }),
  );
});

test('turns by weight are spread out, and at no time off by more than one or two', () => {
  check(
    property(
      array(integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 6 }),
      integer(),
      (weights, seed) => {
        const candidates = endpoints(weights.length, weights);
        const balancer = createBalancer('round-robin');
        const asked = request({ random: seeded(seed) });
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let call = 1; call <= 2 * total; call++) {
          balancer.choose(candidates, asked)!.chosen++;
          for (const { chosen, weight } of candidates) {
            assert.ok(Math.abs(chosen - (call * weight) / total) <= 2);
          }
        }
      },
    ),
  );
});

test('processes that begin at the same time do not all begin with the same instance', () => {
  const first = (seed: number) =>
    createBalancer('round-robin').choose(endpoints(3), request({ random: seeded(seed) }))!.id;
  assert.equal(new Set(Array.from({ length: 50 }, (_, seed) => first(seed))).size, 3);
});

test('a turn is kept for each set of candidates: operations with other candidates do not disturb it', () => {
  const all = endpoints(3);
  const some = [all[0]!, new Endpoint('other')];
  const balancer = createBalancer('round-robin');
  const asked = request();
  for (let call = 0; call < 300; call++) {
    balancer.choose(all, asked)!.chosen++;
    balancer.choose(some, asked);
  }
  assert.deepEqual(
    all.map(({ chosen }) => chosen),
    [100, 100, 100],
  );
});
