import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFleet } from '../config/fleet.ts';
import { planOf } from './plan.ts';

const fleet = parseFleet({
  name: 'shop',
  services: { a: { entry: 'x', replicas: 2 }, b: { entry: 'x', after: ['a'] } },
});

describe('the plan of a fleet', () => {
  it('names instances, and puts the broker before all and the gateway beside the services', () => {
    const plan = planOf(fleet, true);
    assert.deepEqual(
      plan.map(({ name, instances, after }) => [name, instances, after]),
      [
        ['broker', ['broker-1'], []],
        ['a', ['a-1', 'a-2'], ['broker']],
        ['b', ['b-1'], ['broker', 'a']],
        ['gateway', ['gateway-1'], ['broker']],
      ],
    );
  });

  it('stops from the edge inwards', () => {
    const ranks = Object.fromEntries(planOf(fleet, true).map((unit) => [unit.name, unit.stopRank]));
    assert.deepEqual(ranks, { gateway: 0, b: 1, a: 2, broker: 3 });
  });

  it('has no broker when an external one is used, and no gateway when there is none', () => {
    const plan = planOf(parseFleet({ name: 'x', services: { a: { entry: 'x' } }, gateway: false }), false);
    assert.deepEqual(
      plan.map(({ name, after, stopRank }) => [name, after, stopRank]),
      [['a', [], 0]],
    );
  });
});
