import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SimulatedFleet } from '../testing/simulated-fleet.ts';
import { nextWake } from './step.ts';

describe('a restart by hand', () => {
  it('stops the process and starts it at once, without counting as a death', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['matching-1'], rolling: false });
    assert.deepEqual(fleet.take(), ['SIGTERM matching-1']);
    fleet.exit('matching-1', 'exited with code 0', true);
    assert.deepEqual(fleet.take(), ['spawn matching-1']);
    const { deaths, restarts } = fleet.state.instances.get('matching-1') ?? {};
    assert.deepEqual({ deaths, restarts }, { deaths: 0, restarts: 1 });
    assert.equal(fleet.phase('risk-1'), 'ready');
  });

  it('takes replicas one after the other, each when the one before is ready again', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['feeds-1', 'feeds-2'], rolling: false });
    assert.deepEqual(fleet.take(), ['SIGTERM feeds-1']);
    fleet.exit('feeds-1', '', true);
    fleet.take();
    assert.equal(fleet.phase('feeds-2'), 'ready');
    fleet.ready('feeds-1');
    assert.deepEqual(fleet.take(), ['SIGTERM feeds-2']);
  });

  it('kills a process that ignores SIGTERM', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: false });
    fleet.take();
    fleet.pass(4_000);
    assert.deepEqual(fleet.take(), ['SIGKILL risk-1']);
    fleet.exit('risk-1', 'was killed by SIGKILL');
    assert.deepEqual(fleet.take(), ['died risk-1', 'spawn risk-1']);
  });

  it('ends the wait of a process that keeps dying', () => {
    const fleet = SimulatedFleet.running();
    for (let death = 0; death < 8; death++) {
      fleet.exit('risk-1');
      if (death < 7) fleet.pass(10_000);
    }
    fleet.take();
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: false });
    assert.deepEqual(fleet.take(), ['spawn risk-1']);
  });
});

describe('a restart by hand of a process that does not come back', () => {
  it('has failed when its start takes too long, and is tried again as after any death', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: false });
    fleet.exit('risk-1', '', true);
    fleet.pass(30_000);
    fleet.take();
    fleet.exit('risk-1', 'was killed by SIGKILL');
    assert.deepEqual(fleet.take(), ['backoff risk-1: not ready within 30 s', 'failed restart']);
    fleet.pass(100);
    assert.deepEqual(fleet.take(), ['spawn risk-1']);
  });

  it('has failed once, and goes on with the next when it is there at last', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['feeds-1', 'feeds-2'], rolling: false });
    fleet.exit('feeds-1', '', true);
    for (const delayMs of [100, 200]) {
      fleet.exit('feeds-1');
      fleet.pass(delayMs);
    }
    assert.equal(fleet.take().filter((line) => line === 'failed restart').length, 1);
    fleet.ready('feeds-1');
    assert.deepEqual(fleet.take(), ['SIGTERM feeds-2']);
  });
});

describe('a rolling restart', () => {
  /** Begun, and its first instance prepared and told to stop. */
  function begun(...instances: string[]): SimulatedFleet {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 7, instances, rolling: true });
    assert.deepEqual(fleet.take(), [`prepare ${instances[0]}`]);
    fleet.feed({ type: 'prepared', instance: instances[0] ?? '' });
    assert.deepEqual(fleet.take(), [`SIGTERM ${instances[0]}`, `replacing ${instances[0]}`]);
    return fleet;
  }

  it('lets the next have its turn when the one before is ready, known to callers, and stays so', () => {
    const fleet = begun('feeds-1', 'feeds-2');
    fleet.exit('feeds-1', '', true);
    fleet.ready('feeds-1');
    assert.deepEqual(fleet.take(), ['spawn feeds-1', 'ready feeds-1']);
    fleet.pass(500);
    assert.deepEqual(fleet.take(), [], 'nobody knows it yet');
    fleet.feed({ type: 'heard', instance: 'feeds-1' });
    assert.deepEqual(fleet.take(), ['settled feeds-1', 'prepare feeds-2']);
    fleet.feed({ type: 'prepared', instance: 'feeds-2' });
    fleet.exit('feeds-2', '', true);
    fleet.ready('feeds-2');
    fleet.feed({ type: 'heard', instance: 'feeds-2' });
    fleet.take();
    fleet.pass(499);
    assert.deepEqual(fleet.take(), []);
    fleet.pass(1);
    assert.deepEqual(fleet.take(), ['settled feeds-2', 'done']);
    assert.equal(nextWake(fleet.state), undefined);
  });

  it('does not wait for ever for the code of a successor', () => {
    const fleet = SimulatedFleet.running();
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: true });
    fleet.take();
    fleet.pass(4_999);
    assert.deepEqual(fleet.take(), []);
    fleet.pass(1);
    assert.deepEqual(fleet.take(), ['SIGTERM risk-1', 'replacing risk-1']);
  });

  it('ends at the first that does not come back, and leaves the others running', () => {
    const fleet = begun('feeds-1', 'feeds-2');
    fleet.exit('feeds-1', '', true);
    fleet.exit('feeds-1', 'exited with code 4');
    assert.deepEqual(fleet.take().slice(1), [
      'backoff feeds-1: exited with code 4',
      'failed feeds-1 did not come back: exited with code 4',
    ]);
    fleet.pass(60_000);
    assert.equal(fleet.phase('feeds-2'), 'ready');
    assert.deepEqual(fleet.state.restarts, []);
  });

  it('ends when one does not stay ready', () => {
    const fleet = begun('feeds-1', 'feeds-2');
    fleet.exit('feeds-1', '', true);
    fleet.ready('feeds-1');
    fleet.exit('feeds-1', 'exited with code 5');
    assert.ok(fleet.take().includes('failed feeds-1 did not stay ready: exited with code 5'));
    assert.equal(fleet.phase('feeds-2'), 'ready');
  });

  it('ends when nobody hears of one that is ready', () => {
    const fleet = begun('feeds-1', 'feeds-2');
    fleet.exit('feeds-1', '', true);
    fleet.ready('feeds-1');
    fleet.take();
    fleet.pass(10_000);
    assert.deepEqual(fleet.take(), [
      'failed feeds-1 is ready, but discovery does not know it: its callers would not find it',
    ]);
  });

  it('takes nothing away from a service that has just lost another instance', () => {
    const fleet = SimulatedFleet.running();
    fleet.exit('feeds-2', 'was killed by SIGKILL');
    fleet.take();
    fleet.feed({ type: 'restart', id: 1, instances: ['feeds-1'], rolling: true });
    const [said] = fleet.take();
    assert.match(said ?? '', /^failed feeds-1 was left alone, because feeds-2 is not ready \(backoff\)/);
    fleet.pass(100);
    fleet.ready('feeds-2');
    fleet.feed({ type: 'restart', id: 2, instances: ['feeds-1'], rolling: true });
    fleet.exit('feeds-2');
    fleet.take();
    fleet.feed({ type: 'prepared', instance: 'feeds-1' });
    assert.match(fleet.take()[0] ?? '', /^failed feeds-1 was left alone/, 'not even at the last moment');
  });

  it('starts one that waits for its restart anyway', () => {
    const fleet = SimulatedFleet.running();
    fleet.exit('risk-1');
    fleet.take();
    fleet.feed({ type: 'restart', id: 1, instances: ['risk-1'], rolling: true });
    assert.deepEqual(fleet.take(), ['spawn risk-1', 'replacing risk-1']);
  });

  it('finishes with the instance that is under way when it is called off', () => {
    const fleet = begun('feeds-1', 'feeds-2');
    fleet.feed({ type: 'cancel-restart', id: 7 });
    fleet.exit('feeds-1', '', true);
    fleet.ready('feeds-1');
    fleet.feed({ type: 'heard', instance: 'feeds-1' });
    fleet.pass(500);
    assert.deepEqual(fleet.take(), ['spawn feeds-1', 'ready feeds-1', 'settled feeds-1', 'done']);
  });
});
