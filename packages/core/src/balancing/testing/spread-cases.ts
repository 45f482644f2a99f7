/** What every balancer that spreads idle instances by weight and slow start promises. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type BalancerKind, createBalancer } from '../create-balancer.ts';
import { Endpoint, endpoints, request, seeded } from './endpoints.ts';

const calls = 20_000;

/** Shares of calls that are answered at once, with latencies that differ by chance only. */
function shares(kind: BalancerKind, candidates: readonly Endpoint[], now = 0, slowStartMs = 0): number[] {
  const balancer = createBalancer(kind);
  const random = seeded(11);
  const asked = request({ now, slowStartMs, random });
  for (const endpoint of candidates) endpoint.chosen = 0;
  for (let call = 0; call < calls; call++) {
    for (const endpoint of candidates) endpoint.latencyAt = chance(random);
    balancer.choose(candidates, asked)!.chosen++;
  }
  return candidates.map(({ chosen }) => chosen / calls);
}

function chance(random: () => number): () => number {
  const latency = 1 + random() * 0.1;
  return () => latency;
}

function assertNear(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, share] of actual.entries()) {
    assert.ok(Math.abs(share - expected[i]!) < 0.02, `shares ${actual.join()} instead of ${expected.join()}`);
  }
}

export function spreadCases(kind: BalancerKind): void {
  test(`${kind} gives equal instances equal shares`, () => {
    assertNear(shares(kind, endpoints(5)), [0.2, 0.2, 0.2, 0.2, 0.2]);
  });

  test(`${kind} gives instances their shares by weight`, () => {
    assertNear(shares(kind, endpoints(2, [1, 3])), [0.25, 0.75]);
    assertNear(shares(kind, endpoints(4, [1, 1, 2, 4])), [0.125, 0.125, 0.25, 0.5]);
  });

  test(`${kind} lets the share of a new instance grow with its age`, () => {
    const young = new Endpoint('young', { joinedAt: 0 });
    const old = new Endpoint('old');
    const grown = [0, 500, 1_000, 2_000, 5_000].map((now) => shares(kind, [young, old], now, 2_000)[0]!);
    assertNear(grown, [0.1 / 1.1, 0.25 / 1.25, 0.5 / 1.5, 0.5, 0.5]);
  });

  test(`${kind} spares many new instances beside an old one, but holds back nobody where all are new`, () => {
    const young = (id: string) => new Endpoint(id, { joinedAt: 0 });
    const grown = shares(kind, [new Endpoint('old'), young('b'), young('c'), young('d')], 500, 2_000);
    assertNear(grown, [1 / 1.75, 0.25 / 1.75, 0.25 / 1.75, 0.25 / 1.75]);
    assertNear(shares(kind, [young('a'), young('b')], 100, 2_000), [0.5, 0.5]);
  });
}
