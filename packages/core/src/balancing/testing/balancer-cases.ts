/** What every balancer promises; run by the test of each. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, constantFrom, integer, option, property, record, string } from 'fast-check';
import { type BalancerKind, createBalancer } from '../create-balancer.ts';
import { Endpoint, request, seeded } from './endpoints.ts';

export function balancerCases(kind: BalancerKind): void {
  test(`${kind} chooses one of the candidates, whatever they are like, and undefined only among none`, () => {
    const candidate = record({
      inFlight: integer({ min: 0, max: 1_000 }),
      weight: constantFrom(0.01, 0.5, 1, 1, 1, 7, 100),
      joinedAt: integer({ min: 0, max: 5_000 }),
    });
    check(
      property(
        array(candidate, { maxLength: 12 }),
        option(string(), { nil: undefined }),
        integer({ min: 5_000, max: 8_000 }),
        constantFrom(0, 2_000),
        integer(),
        (given, key, now, slowStartMs, seed) => {
          const candidates = given.map((each, i) => new Endpoint(`i-${i}`, each));
          const balancer = createBalancer(kind);
          const asked = request({ now, key, slowStartMs, random: seeded(seed) });
          for (let call = 0; call < 5; call++) {
            const chosen = balancer.choose(candidates, asked);
            if (candidates.length === 0) assert.equal(chosen, undefined);
            else assert.ok(chosen && candidates.includes(chosen));
          }
        },
      ),
    );
  });

  test(`${kind} takes random numbers next to 0 and next to 1`, () => {
    for (const number of [0, 1 - 2 ** -53]) {
      const balancer = createBalancer(kind);
      for (const weight of [1, 0.1]) {
        const candidates = [
          new Endpoint('a'),
          new Endpoint('b', { weight }),
          new Endpoint('c', { joinedAt: 0 }),
        ];
        const chosen = balancer.choose(
          candidates,
          request({ random: () => number, slowStartMs: 1_000, now: 10 }),
        );
        assert.ok(chosen && candidates.includes(chosen));
      }
    }
  });

  test(`${kind} follows the candidates when they change`, () => {
    const balancer = createBalancer(kind);
    const [a, b] = [new Endpoint('a'), new Endpoint('b')];
    const asked = request({ key: 'k' });
    for (const candidates of [[a, b], [b], [a], [b, a], [a, b]]) {
      for (let call = 0; call < 20; call++)
        assert.ok(candidates.includes(balancer.choose(candidates, asked)!));
    }
  });
}
