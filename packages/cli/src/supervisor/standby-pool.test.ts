import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseFleet } from '../config/fleet.ts';
import { planOf } from '../supervision/plan.ts';
import { type InstanceListener, StandbyPool } from './standby-pool.ts';

const PLAN = planOf(
  parseFleet({
    name: 'test',
    services: {
      last: { entry: 'x', after: ['middle'] },
      middle: { entry: 'x', after: ['first'] },
      first: { entry: 'x', replicas: 2 },
    },
    gateway: false,
  }),
  true,
).filter((unit) => unit.kind === 'service');

interface Spawned {
  readonly instance: string;
  readonly standby: boolean;
  readonly listener: InstanceListener;
  readonly heard: string[];
}

function poolOf(width: number) {
  const spawned: Spawned[] = [];
  const pool = new StandbyPool({
    width,
    spawn(_, instance, standby, listener) {
      const heard: string[] = [];
      spawned.push({ instance, standby, listener, heard });
      return {
        pid: spawned.length,
        signal: (signal) => heard.push(signal),
        send: () => {},
        start: () => heard.push('start'),
      };
    },
  });
  return { pool, spawned };
}

const unitOf = (name: string) => PLAN.find((unit) => unit.name === name) ?? assert.fail(name);
const DEAF: InstanceListener = { message() {}, end() {} };

describe('processes on standby', () => {
  it('load a few at a time, in the order of the start', () => {
    const { pool, spawned } = poolOf(2);
    pool.prepare(PLAN);
    assert.deepEqual(
      spawned.map((each) => each.instance),
      ['first-1', 'first-2'],
    );
    spawned[0]?.listener.message({ type: 'loaded' });
    spawned[0]?.listener.message({ type: 'loaded' });
    assert.deepEqual(
      spawned.map((each) => each.instance),
      ['first-1', 'first-2', 'middle-1'],
    );
    assert.ok(spawned.every((each) => each.standby));
    assert.deepEqual(pool.pids, [1, 2, 3]);
  });

  it('are started when they are wanted, and then belong to who wanted them', () => {
    const { pool, spawned } = poolOf(1);
    pool.prepare(PLAN);
    const heard: string[] = [];
    pool.spawn(unitOf('first'), 'first-1', {
      message: (message) => heard.push(message.type),
      end: ({ description }) => heard.push(description),
    });
    assert.deepEqual(spawned[0]?.heard, ['start']);
    assert.deepEqual(pool.pids, []);
    spawned[0]?.listener.message({ type: 'loaded' });
    spawned[0]?.listener.message({ type: 'ready' });
    spawned[0]?.listener.end({ description: 'ended', clean: true });
    assert.deepEqual(heard, ['ready', 'ended']);
  });

  it('are not waited for: one that is wanted before its turn, or that died, is spawned', () => {
    const { pool, spawned } = poolOf(1);
    pool.prepare(PLAN);
    pool.spawn(unitOf('last'), 'last-1', DEAF);
    assert.deepEqual([spawned[1]?.instance, spawned[1]?.standby], ['last-1', false]);
    spawned[0]?.listener.end({ description: 'died', clean: false });
    pool.spawn(unitOf('first'), 'first-1', DEAF);
    assert.deepEqual(
      spawned.map(({ instance, standby }) => [instance, standby]),
      [
        ['first-1', true],
        ['last-1', false],
        ['first-2', true],
        ['first-1', false],
      ],
    );
  });

  it('end when they are no longer needed', async () => {
    const { pool, spawned } = poolOf(2);
    pool.prepare(PLAN);
    const closed = pool.close();
    for (const { listener, heard } of spawned) {
      assert.deepEqual(heard, ['SIGKILL']);
      listener.end({ description: 'was killed', clean: false });
    }
    await closed;
    assert.deepEqual([spawned.length, pool.pids], [2, []]);
  });
});
