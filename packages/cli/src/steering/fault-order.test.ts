import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFleet } from '../config/fleet.ts';
import { Failure } from '../failure.ts';
import { planOf } from '../supervision/plan.ts';
import { faultsOf, viewOf } from './fault-order.ts';

const PLAN = planOf(
  parseFleet({ name: 'shop', services: { risk: { entry: 'x' }, ledger: { entry: 'x', replicas: 2 } } }),
  true,
);
const NOW = Date.parse('2026-01-02T03:04:05.000Z');

function refusal(target: string, ...effects: string[]): Failure {
  try {
    faultsOf({ target, effects }, PLAN, NOW);
  } catch (error) {
    assert.ok(error instanceof Failure, String(error));
    assert.ok(error.repair !== undefined, error.message);
    return error;
  }
  return assert.fail(`${target} ${effects} was accepted`);
}

describe('a fault that an operator orders', () => {
  it('holds for a minute unless a time is given, and is shown as it is written', () => {
    const order = { target: 'risk->ledger.hold', effects: ['latency=200ms+-50', 'error=overloaded:30%'] };
    const views = (time?: string) =>
      faultsOf({ ...order, time }, PLAN, NOW).map((fault) => viewOf({ ...fault, id: 'f1' }));
    assert.deepEqual(views(), [
      {
        id: 'f1',
        target: 'risk->ledger.hold',
        fault: 'latency=200ms±50ms',
        until: '2026-01-02T03:05:05.000Z',
      },
      {
        id: 'f1',
        target: 'risk->ledger.hold',
        fault: 'error=overloaded:30%',
        until: '2026-01-02T03:05:05.000Z',
      },
    ]);
    assert.equal(views('5m')[0]?.until, '2026-01-02T03:09:05.000Z');
  });

  it('hits services, instances, edges, the gateway and the broker', () => {
    for (const [target, effect] of [
      ['ledger', 'reset'],
      ['ledger-2', 'cpu=50%'],
      ['risk:ledger-2', 'blackhole'],
      ['gateway->ledger', 'latency=1s'],
      ['gateway', 'pause'],
      ['gateway', 'cpu=20%'],
      ['gateway', 'error=unavailable:30%'],
      ['broker', 'kill'],
    ] as const) {
      assert.equal(faultsOf({ target, effects: [effect] }, PLAN, NOW).length, 1, `${target} ${effect}`);
    }
  });

  it('is refused with the names that there are when its target is not there', () => {
    const service = refusal('leger', 'reset');
    assert.equal(service.code, 'not_found');
    assert.equal(service.message, 'there is no service "leger" in this fleet');
    assert.equal(service.repair, 'use one of broker, risk, ledger, gateway');
    const instance = refusal('ledger-3', 'reset');
    assert.equal(instance.message, 'there is no instance "ledger-3" in this fleet');
    assert.equal(instance.repair, 'use one of ledger-1, ledger-2');
    assert.match(refusal('risk->ledger-3', 'reset').message, /no instance "ledger-3"/);
    assert.match(refusal('cli->ledger', 'reset').message, /no service "cli"/);
  });

  it('is refused with how it is written when it is not', () => {
    assert.match(refusal('ledger', 'slow').repair ?? '', /latency=200ms±50.*pause, kill/);
    assert.match(refusal('ledger', 'latency').repair ?? '', /flotilla fault add ledger latency=200ms±50/);
    assert.match(refusal('ledger').repair ?? '', /flotilla fault add/);
    assert.match(refusal('risk-', 'reset').message, /the shell took the > for itself/);
    const tooLong = { target: 'ledger', effects: ['pause'], time: '2h' };
    assert.throws(() => faultsOf(tooLong, PLAN, NOW), /a fault lasts at most 1h/);
  });

  it('is refused where it would be without effect', () => {
    assert.match(refusal('broker', 'latency=1s').repair ?? '', /broker pause, or kill/);
    assert.match(refusal('risk->broker', 'blackhole').message, /no calls go to the broker/);
    assert.match(refusal('broker->risk', 'blackhole').message, /no calls go from the broker/);
    assert.match(refusal('risk->gateway', 'blackhole').message, /no calls go to the gateway/);
    assert.match(refusal('risk->ledger', 'pause').message, /happens to a process/);
  });
});
