import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedFleet } from '../testing/simulated-fleet.ts';
import { backoff, DEFAULT_POLICY } from './policy.ts';
import { nextWake } from './step.ts';

describe('the start of a fleet', () => {
  it('starts each service when all that it is after are ready, and the rest at once', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    assert.deepEqual(fleet.take(), ['spawn broker-1']);
    fleet.ready('broker-1');
    assert.deepEqual(fleet.take(), [
      'spawn reference-1',
      'spawn feeds-1',
      'spawn feeds-2',
      'spawn gateway-1',
    ]);
    fleet.ready('reference-1');
    assert.deepEqual(fleet.take(), ['spawn matching-1']);
    fleet.ready('feeds-1', 'feeds-2', 'gateway-1', 'matching-1');
    assert.deepEqual(fleet.take(), ['spawn risk-1']);
    fleet.ready('risk-1');
    assert.deepEqual(fleet.take(), ['fleet-ready']);
  });

  it('waits for a dependency that died again before all of its dependents were started', () => {
    const fleet = new SimulatedFleet(DEFAULT_POLICY, {
      a: { entry: 'x', after: [] },
      b: { entry: 'x' },
      c: { entry: 'x', after: ['a', 'b'] },
    });
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1', 'a-1');
    fleet.exit('a-1');
    fleet.ready('b-1');
    assert.equal(fleet.phase('c-1'), 'waiting');
    fleet.pass(100);
    fleet.ready('a-1');
    assert.equal(fleet.phase('c-1'), 'starting');
  });

  it('kills a process that is not ready in time, and restarts it with that reason', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1', 'reference-1');
    fleet.take();
    fleet.pass(29_999);
    assert.deepEqual(fleet.take(), []);
    fleet.pass(1);
    assert.ok(fleet.take().includes('SIGKILL matching-1'));
    fleet.exit('matching-1', 'was killed by SIGKILL');
    assert.deepEqual(fleet.take(), ['backoff matching-1: not ready within 30 s']);
    fleet.pass(100);
    assert.ok(fleet.take().includes('spawn matching-1'));
  });

  it('fails with the words of every process that cannot start, and stops the others', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1');
    const fatal = { message: 'no such file', code: 'invalid_argument', repair: 'create it' };
    fleet.feed({ type: 'fatal', instance: 'reference-1', fatal });
    fleet.exit('reference-1');
    fleet.feed({ type: 'fatal', instance: 'feeds-2', fatal: { message: 'bad seed', code: 'internal' } });
    fleet.exit('feeds-2');
    fleet.ready('feeds-1');
    assert.equal(fleet.phase('matching-1'), 'waiting', 'nothing is started any more');
    fleet.ready('gateway-1');
    assert.equal(fleet.take().at(-1), 'SIGTERM gateway-1');
    fleet.exit('gateway-1', '', true);
    assert.deepEqual(fleet.take(), ['SIGTERM feeds-1']);
    fleet.exit('feeds-1', '', true);
    fleet.exit('broker-1', '', true);
    const last = fleet.actions.at(-1);
    assert.deepEqual(last, {
      type: 'fleet-stopped',
      failures: [
        { instance: 'reference-1', ...fatal },
        { instance: 'feeds-2', message: 'bad seed', code: 'internal' },
      ],
    });
  });

  it('fails although a process that said it cannot start hangs', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.feed({ type: 'fatal', instance: 'broker-1', fatal: { message: 'port 1 is taken', code: 'x' } });
    fleet.pass(1_500);
    assert.ok(fleet.take().includes('SIGKILL broker-1'));
    fleet.exit('broker-1');
    assert.equal(fleet.state.mode, 'stopped');
    assert.deepEqual(
      fleet.state.failures.map((failure) => failure.message),
      ['port 1 is taken'],
    );
  });

  it('goes on when a peer was not there yet: the process is restarted', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1');
    fleet.take();
    const fatal = { message: 'no broker answers', code: 'unavailable' };
    fleet.feed({ type: 'fatal', instance: 'reference-1', fatal });
    fleet.exit('reference-1');
    assert.deepEqual(fleet.take(), ['backoff reference-1: no broker answers']);
    assert.equal(fleet.state.mode, 'starting');
  });

  it('gives up when a process dies five times in a row', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1', 'feeds-1', 'feeds-2', 'gateway-1');
    for (let death = 1; death <= 5; death++) {
      assert.equal(fleet.phase('reference-1'), 'starting', `before death ${death}`);
      fleet.exit('reference-1', 'exited with code 3');
      fleet.pass(2_000);
    }
    assert.equal(fleet.state.mode, 'stopping');
    assert.deepEqual(fleet.state.failures, [
      {
        instance: 'reference-1',
        code: 'crash_loop',
        message: 'died 5 times in a row, last: exited with code 3',
      },
    ]);
  });
});

describe('the death of a process', () => {
  it('is answered by a restart, while its dependents stay', () => {
    const fleet = SimulatedFleet.running();
    fleet.exit('reference-1', 'was killed by SIGKILL');
    assert.deepEqual(fleet.take(), ['died reference-1', 'backoff reference-1: was killed by SIGKILL']);
    fleet.pass(100);
    assert.deepEqual(fleet.take(), ['spawn reference-1']);
    assert.equal(fleet.state.instances.get('reference-1')?.restarts, 1);
    assert.equal(fleet.phase('matching-1'), 'ready');
  });

  it('is one although it exited with code 0, because nobody asked it to', () => {
    const fleet = SimulatedFleet.running();
    fleet.exit('risk-1', 'exited with code 0', true);
    assert.equal(fleet.phase('risk-1'), 'backoff');
  });

  it('waits longer each time, up to three seconds', () => {
    const fleet = SimulatedFleet.running();
    const waits: number[] = [];
    for (let death = 0; death < 10; death++) {
      fleet.exit('risk-1');
      const due = fleet.state.instances.get('risk-1')?.due ?? 0;
      waits.push(due - fleet.now);
      fleet.pass(due - fleet.now);
    }
    assert.deepEqual(waits, [100, 200, 400, 800, 1_599, 2_999, 2_999, 2_999, 2_999, 2_999]);
  });

  it('is the first again after ten seconds of health', () => {
    const fleet = SimulatedFleet.running();
    for (const healthyMs of [9_999, 10_000]) {
      fleet.exit('risk-1');
      fleet.pass(500);
      fleet.exit('risk-1');
      fleet.pass(500);
      fleet.ready('risk-1');
      fleet.pass(healthyMs);
      fleet.exit('risk-1');
      assert.equal(fleet.state.instances.get('risk-1')?.deaths, healthyMs < 10_000 ? 3 : 1);
      fleet.pass(1_000);
      fleet.ready('risk-1');
      fleet.pass(60_000);
    }
  });

  it('has the last error of the process as its reason', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'fatal', instance: 'risk-1', fatal: { message: 'disk I/O error', code: 'internal' } });
    fleet.exit('risk-1', 'exited with code 1');
    assert.ok(fleet.take().includes('backoff risk-1: disk I/O error'));
  });

  it('never makes a running fleet give up', () => {
    const fleet = SimulatedFleet.running();
    for (let death = 0; death < 50; death++) {
      fleet.exit('risk-1');
      fleet.pass(10_000);
    }
    assert.equal(fleet.state.mode, 'running');
    assert.equal(fleet.phase('risk-1'), 'starting');
  });

  it('is brought about when it is wedged, and has that as its reason', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'wedged', instance: 'risk-1', reason: 'wedged: no answer for 5.0 s' });
    assert.deepEqual(fleet.take(), ['SIGKILL risk-1']);
    assert.equal(fleet.phase('risk-1'), 'stopping');
    fleet.exit('risk-1', 'was killed by SIGKILL');
    assert.deepEqual(fleet.take(), ['died risk-1', 'backoff risk-1: wedged: no answer for 5.0 s']);
    fleet.pass(100);
    assert.deepEqual(fleet.take(), ['spawn risk-1']);
    assert.equal(fleet.state.instances.get('risk-1')?.lastEnd, 'wedged: no answer for 5.0 s');
  });

  it('is not brought about twice, nor to a process that stops by itself', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'draining', instance: 'risk-1' });
    fleet.feed({ type: 'wedged', instance: 'risk-1', reason: 'wedged' });
    fleet.feed({ type: 'stop' });
    fleet.take();
    fleet.feed({ type: 'wedged', instance: 'gateway-1', reason: 'wedged' });
    assert.deepEqual(fleet.take(), []);
  });

  it('of a draining process that hangs is brought about', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'draining', instance: 'risk-1' });
    fleet.pass(30_000);
    assert.deepEqual(fleet.take(), ['SIGKILL risk-1']);
    fleet.exit('risk-1');
    assert.ok(fleet.take().includes('backoff risk-1: still draining after 30 s'));
  });
});

describe('the wait before a restart', () => {
  it('lies between half and all of the doubled base', () => {
    assert.equal(backoff(DEFAULT_POLICY, 1, 0), 50);
    assert.equal(backoff(DEFAULT_POLICY, 3, 0.5), 300);
    assert.equal(backoff(DEFAULT_POLICY, 10_000, 0), 1_500);
    assert.equal(backoff(DEFAULT_POLICY, 10_000, 1), 3_000);
  });
});

describe('the stop of a fleet', () => {
  it('goes from the edge inwards, each when those that may call it are gone', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'stop' });
    assert.deepEqual(fleet.take(), ['SIGTERM gateway-1']);
    fleet.exit('gateway-1', '', true);
    assert.deepEqual(fleet.take(), ['SIGTERM risk-1', 'SIGTERM feeds-1', 'SIGTERM feeds-2']);
    fleet.exit('feeds-1', '', true);
    fleet.exit('feeds-2', '', true);
    assert.deepEqual(fleet.take(), []);
    fleet.exit('risk-1', '', true);
    assert.deepEqual(fleet.take(), ['SIGTERM matching-1']);
    fleet.exit('matching-1', '', true);
    assert.deepEqual(fleet.take(), ['SIGTERM reference-1']);
    fleet.exit('reference-1', '', true);
    assert.deepEqual(fleet.take(), ['SIGTERM broker-1']);
    fleet.exit('broker-1', '', true);
    assert.deepEqual(fleet.take(), ['fleet-stopped']);
  });

  it('tells everybody within 2.5 s and kills what is left at 4 s, although nobody obeys', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'stop' });
    fleet.pass(2_500);
    const told = fleet.take();
    assert.equal(told.length, 7);
    assert.equal(told[0], 'SIGTERM gateway-1');
    assert.equal(told.at(-1), 'SIGTERM broker-1');
    fleet.pass(1_499);
    assert.deepEqual(fleet.take(), []);
    fleet.pass(1);
    assert.equal(fleet.take().filter((action) => action.startsWith('SIGKILL')).length, 7);
  });

  it('is over at once when nothing runs but a wait for a restart', () => {
    const fleet = new SimulatedFleet();
    fleet.feed({ type: 'start' });
    fleet.exit('broker-1');
    fleet.take();
    fleet.feed({ type: 'stop' });
    assert.deepEqual(fleet.take(), ['fleet-stopped']);
    assert.equal(nextWake(fleet.state), undefined);
  });

  it('restarts nothing', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'stop' });
    fleet.exit('matching-1', 'was killed by SIGKILL');
    assert.equal(fleet.phase('matching-1'), 'stopped');
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: false });
    fleet.pass(10_000);
    assert.ok(!fleet.take().some((action) => action.startsWith('spawn')));
  });

  it('kills everything at once when asked a second time', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'stop' });
    fleet.take();
    fleet.feed({ type: 'kill' });
    assert.equal(fleet.take().filter((action) => action.startsWith('SIGKILL')).length, 7);
  });
});
