import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ControlDocument } from 'flotilla';
import { parseFleet } from '../config/fleet.ts';
import { Failure } from '../failure.ts';
import { planOf } from '../supervision/plan.ts';
import { until } from '../testing/until.ts';
import { Steering, type SteeringOptions } from './steering.ts';

const PLAN = planOf(
  parseFleet({ name: 'shop', services: { risk: { entry: 'x' }, ledger: { entry: 'x', replicas: 2 } } }),
  true,
);

/** A fleet whose processes are lists of the signals that they got. */
function shop(overrides: Partial<SteeringOptions> = {}) {
  const pushed: ControlDocument[] = [];
  const said: string[] = [];
  const signals = new Map<string, string[]>([
    ['ledger-1', []],
    ['ledger-2', []],
  ]);
  const children = new Map(
    [...signals].map(([name, got]) => [name, { signal: (signal: string) => void got.push(signal) }]),
  );
  const steering = new Steering({
    plan: PLAN,
    policies: { '*': { waitMs: 1 } },
    faultsAllowed: true,
    config: '/shop/flotilla.config.ts',
    processes: {
      serving: (service, instance) =>
        [...children].flatMap(([name, child]) =>
          service === 'ledger' && (instance ?? name) === name ? [{ instance: name, child }] : [],
        ),
      hold: (instance, held) => signals.get(instance)?.push(held ? 'hold' : 'free'),
    },
    operations: async (service) => (service === 'ledger' ? ['hold', 'release'] : undefined),
    push: (document) => pushed.push(document),
    onFault: ({ id, state, because }) => said.push([id, state, because].join(' ').trim()),
    ...overrides,
  });
  const taken = (name: string): string[] => signals.get(name)?.splice(0) ?? [];
  return { steering, pushed, said, taken, children };
}

const isFailure = (code: string, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof Failure, String(error));
  assert.equal(error.code, code);
  assert.match(`${error.message}; ${error.repair}`, message);
  return true;
};

describe('faults in a running fleet', () => {
  it('are told to every process, listed, and ended by their id or all at once', async () => {
    const { steering, pushed, said } = shop();
    await steering.addFaults({ target: 'ledger', effects: ['latency=1s', 'error=internal:10%'] });
    await steering.addFaults({ target: 'risk->ledger', effects: ['blackhole'] });
    assert.deepEqual(
      pushed.at(-1)?.faults.map(({ id, kind }) => [id, kind]),
      [
        ['f1', 'latency'],
        ['f2', 'error'],
        ['f3', 'blackhole'],
      ],
    );
    assert.deepEqual(pushed.at(-1)?.configured, { '*': { waitMs: 1 } });
    assert.deepEqual(
      steering.clearFaults('f2').map(({ fault }) => fault),
      ['error=internal:10%'],
    );
    assert.deepEqual(
      steering.faults.map(({ id }) => id),
      ['f1', 'f3'],
    );
    assert.throws(
      () => steering.clearFaults('f2'),
      isFailure('not_found', /no fault "f2"; use one of f1, f3/),
    );
    steering.clearFaults();
    assert.deepEqual([steering.faults, pushed.at(-1)?.faults], [[], []]);
    assert.throws(() => steering.clearFaults('f1'), isFailure('not_found', /none holds/));
    assert.deepEqual(said, [
      'f1 begun',
      'f2 begun',
      'f3 begun',
      'f2 ended cleared',
      'f1 ended cleared',
      'f3 ended cleared',
    ]);
  });

  it('end by themselves when their time is over', async () => {
    const { steering, pushed, said, taken } = shop();
    await steering.addFaults({ target: 'ledger-1', effects: ['pause'], time: '30ms' });
    assert.deepEqual(taken('ledger-1'), ['hold', 'SIGSTOP']);
    await until('it has ended', () => steering.faults.length === 0);
    assert.deepEqual(said, ['f1 begun', 'f1 ended expired']);
    assert.deepEqual(pushed.at(-1)?.faults, []);
    assert.deepEqual(taken('ledger-1'), ['SIGCONT', 'free']);
    assert.deepEqual(taken('ledger-2'), []);
  });

  it('that pause let processes go on when the fleet stops', async () => {
    const { steering, said, taken } = shop();
    await steering.addFaults({ target: 'ledger', effects: ['pause'] });
    steering.close();
    for (const name of ['ledger-1', 'ledger-2']) {
      assert.deepEqual(taken(name), ['hold', 'SIGSTOP', 'SIGCONT', 'free']);
    }
    steering.close();
    assert.deepEqual(said, ['f1 begun', 'f1 ended stopped']);
  });

  it('that pause the same process let it go on when the last of them ends', async () => {
    const { steering, taken } = shop();
    await steering.addFaults({ target: 'ledger', effects: ['pause'] });
    await steering.addFaults({ target: 'ledger-2', effects: ['pause'] });
    steering.clearFaults('f1');
    assert.equal(taken('ledger-1').at(-1), 'free');
    assert.ok(!taken('ledger-2').includes('SIGCONT'));
    steering.clearFaults('f2');
    assert.deepEqual(taken('ledger-2'), ['SIGCONT', 'free']);
  });

  it('that kill are done at once, and nothing of them is left', async () => {
    const { steering, pushed, said, taken } = shop();
    await steering.addFaults({ target: 'ledger', effects: ['kill'] });
    assert.deepEqual([taken('ledger-1'), taken('ledger-2')], [['SIGKILL'], ['SIGKILL']]);
    assert.deepEqual([steering.faults, pushed.at(-1)?.faults], [[], []]);
    assert.deepEqual(said, ['f1 begun', 'f1 ended done']);
  });

  it('begin all or none', async () => {
    const { steering, said } = shop();
    await assert.rejects(
      steering.addFaults({ target: 'risk', effects: ['latency=1s', 'pause'] }),
      isFailure('not_found', /no process of risk to pause/),
    );
    await assert.rejects(
      steering.addFaults({ target: 'ledger', effects: ['latency=1s', 'nonsense'] }),
      isFailure('usage', /'nonsense' is not a fault/),
    );
    assert.deepEqual([said, steering.faults], [[], []]);
  });

  it('are refused where the configuration does not allow them, with the line that does', async () => {
    const { steering } = shop({ faultsAllowed: false });
    await assert.rejects(
      steering.addFaults({ target: 'ledger', effects: ['pause'] }),
      isFailure('faults_not_allowed', /write faults: true into \/shop\/flotilla\.config\.ts/),
    );
  });

  it('of an operation that a service does not have are refused, unless nobody knows', async () => {
    const { steering } = shop();
    const order = { effects: ['latency=1s'] };
    await assert.rejects(
      steering.addFaults({ ...order, target: 'risk->ledger.hodl' }),
      isFailure('not_found', /ledger has no operation "hodl"; use one of hold, release/),
    );
    await steering.addFaults({ ...order, target: 'risk->ledger-2.hold' });
    await steering.addFaults({ ...order, target: 'ledger->risk.anything' });
    assert.equal(steering.faults.length, 2);
  });
});

describe('policies in a running fleet', () => {
  it('are told to every process, added to, and taken back', async () => {
    const { steering, pushed } = shop();
    await steering.setPolicy('ledger.hold', ['retry.attempts=1']);
    await steering.setPolicy('ledger.hold', ['retry.baseMs=5', 'waitMs=1s']);
    await steering.setPolicy('gateway->*', ['waitMs=2s']);
    assert.deepEqual(pushed.at(-1)?.policies, {
      'ledger.hold': { retry: { attempts: 1, baseMs: 5 }, waitMs: 1_000 },
      'gateway->*': { waitMs: 2_000 },
    });
    steering.clearPolicies('ledger.hold', ['retry.attempts', 'waitMs']);
    assert.deepEqual(pushed.at(-1)?.policies['ledger.hold'], { retry: { baseMs: 5 } });
    steering.clearPolicies('ledger.hold', ['retry.baseMs']);
    assert.deepEqual(Object.keys(pushed.at(-1)?.policies ?? {}), ['gateway->*']);
    assert.throws(
      () => steering.clearPolicies('ledger.hold'),
      isFailure('not_found', /use one of gateway->\*/),
    );
    steering.clearPolicies();
    assert.deepEqual(pushed.at(-1)?.policies, {});
  });

  it('are refused for what is not there', async () => {
    const { steering, pushed } = shop();
    const set = (selector: string) => steering.setPolicy(selector, ['waitMs=1s']);
    await assert.rejects(
      set('leger'),
      isFailure('not_found', /no service "leger" .*; use one of risk, ledger$/),
    );
    await assert.rejects(set('leger->risk'), isFailure('not_found', /no service "leger"/));
    await assert.rejects(set('ledger.hodl'), isFailure('not_found', /no operation "hodl"/));
    await assert.rejects(set('a b'), isFailure('usage', /or \* for all/));
    assert.deepEqual(pushed, []);
  });
});

describe('breakers in a running fleet', () => {
  it('are held and let go by their selector', async () => {
    const { steering, pushed } = shop();
    await steering.setBreaker('ledger', 'open');
    await steering.setBreaker('risk->ledger.hold', 'closed');
    assert.deepEqual(pushed.at(-1)?.breakers, { ledger: 'open', 'risk->ledger.hold': 'closed' });
    await steering.setBreaker('ledger', 'auto');
    assert.deepEqual(pushed.at(-1)?.breakers, { 'risk->ledger.hold': 'closed' });
    await assert.rejects(steering.setBreaker('*', 'open'), isFailure('usage', /does not say whose calls/));
    await assert.rejects(
      steering.setBreaker('nobody', 'auto'),
      isFailure('not_found', /no service "nobody"/),
    );
  });
});
