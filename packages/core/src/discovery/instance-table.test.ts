import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from './instance.ts';
import { InstanceTable, timeToLiveMs } from './instance-table.ts';

function instance(id: string, changes: Partial<Instance> = {}): Instance {
  return {
    service: id.slice(0, id.lastIndexOf('-')),
    instance: id,
    version: '1.0.0',
    contract: 'abc',
    address: 'tcp://127.0.0.1:1',
    zone: 'local',
    weight: 1,
    state: 'ready',
    startedAt: 1_000,
    pid: 1,
    ...changes,
  };
}

const nobody = () => false;

test('an instance joins once, changes, and leaves by its goodbye', () => {
  const table = new InstanceTable();
  assert.equal(table.announced(instance('ledger-1'), 0)?.kind, 'joined');
  assert.equal(table.announced(instance('ledger-1'), 1), undefined);
  assert.equal(table.announced(instance('ledger-1', { state: 'draining' }), 2)?.kind, 'changed');
  const moved = instance('ledger-1', { state: 'draining', zone: 'b' });
  assert.equal(table.announced(moved, 3)?.kind, 'changed');
  assert.deepEqual(
    table.list('ledger').map(({ state }) => state),
    ['draining'],
  );
  assert.equal(table.left(instance('ledger-1'))?.kind, 'left');
  assert.deepEqual(table.list(), []);
});

test('silence for longer than the time to live removes an instance, a heartbeat keeps it', () => {
  const table = new InstanceTable();
  table.announced(instance('ledger-1'), 0);
  table.announced(instance('ledger-2'), 0);
  table.announced(instance('ledger-2'), 3_000);
  assert.deepEqual(table.expire(timeToLiveMs, nobody), []);
  assert.deepEqual(
    table.expire(timeToLiveMs + 1, nobody).map((change) => change.instance.instance),
    ['ledger-1'],
  );
  assert.equal(table.list('ledger').length, 1);
});

test('a silent instance that somebody vouches for stays', () => {
  const table = new InstanceTable();
  table.announced(instance('ledger-1'), 0);
  assert.deepEqual(
    table.expire(60_000, ({ instance: id }) => id === 'ledger-1'),
    [],
  );
  assert.equal(table.expire(60_001, nobody).length, 1);
});

test('a process that did not listen for a while gives everybody a full time to live', () => {
  const table = new InstanceTable();
  table.announced(instance('ledger-1'), 0);
  table.listensAgain(60_000);
  assert.deepEqual(table.expire(60_000 + timeToLiveMs, nobody), []);
  assert.equal(table.expire(60_001 + timeToLiveMs, nobody).length, 1);
});

test('a late message of an earlier life does not harm its successor', () => {
  const table = new InstanceTable();
  table.announced(instance('ledger-1', { startedAt: 2_000, address: 'tcp://127.0.0.1:2' }), 0);
  assert.equal(table.announced(instance('ledger-1', { startedAt: 1_000 }), 1), undefined);
  assert.equal(table.left(instance('ledger-1', { startedAt: 1_000 })), undefined);
  assert.equal(table.get('ledger-1')?.address, 'tcp://127.0.0.1:2');
});

test('an instance whose heartbeats are not listened to lives longer, and a full time to live from when they are', () => {
  const table = new InstanceTable();
  table.announced(instance('ledger-1'), 0);
  table.announced(instance('risk-1', { service: 'risk' }), 0);
  const ttlOf = ({ service }: { service: string }) => (service === 'risk' ? 60_000 : timeToLiveMs);
  const expired = (now: number, of = ttlOf) =>
    table.expire(now, nobody, of).map((change) => change.instance.instance);
  assert.deepEqual(expired(timeToLiveMs + 1), ['ledger-1']);
  table.listensTo('risk', 30_000);
  assert.deepEqual(
    expired(30_000 + timeToLiveMs, () => timeToLiveMs),
    [],
  );
  assert.deepEqual(
    expired(30_001 + timeToLiveMs, () => timeToLiveMs),
    ['risk-1'],
  );
});
