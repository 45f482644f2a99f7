import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type ControlClient, connectControl } from '../control/client.ts';
import { FakeFleet, QUICK, WELL_BEHAVED } from '../testing/fake-fleet.ts';
import { until } from '../testing/until.ts';
import { viewProcess } from './outside-view.ts';

/** Writes down what it is told: by its environment, and later. */
const OBEDIENT = `
  const write = (msg, document) => console.log(JSON.stringify({ level: 'info', msg, document }));
  process.on('message', ({ type, document }) => {
    if (type === 'control') write('told', document);
  });
  write('born with', JSON.parse(process.env.FLOTILLA_CONTROL));
  ${WELL_BEHAVED}`;

function controlOf(fleet: FakeFleet): ControlClient {
  return connectControl({ data: fleet.data, because: 'of this test' });
}

function pidOf(fleet: FakeFleet, instance: string): Promise<number> {
  return controlOf(fleet)
    .instances()
    .then((all) => all.find((each) => each.instance === instance)?.pid ?? 0);
}

interface Document {
  readonly breakers: Readonly<Record<string, string>>;
}

/** What a process wrote down last. */
function last(fleet: FakeFleet, instance: string, msg: 'told' | 'born with'): Document | undefined {
  const line = fleet.logs.findLast((each) => each.instance === instance && each.msg === msg);
  return line?.document as Document | undefined;
}

const onLinux = { skip: process.platform === 'linux' ? false : 'needs /proc' };

describe('what an operator decides', { concurrency: true }, () => {
  it('reaches every process at once, and those that start later in their environment', async () => {
    await using fleet = new FakeFleet();
    const policies = { '*': { waitMs: 1_234 } };
    fleet.configure({ stock: OBEDIENT, orders: OBEDIENT }, { policies });
    await fleet.ready();
    const names = ['stock-1', 'orders-1'];
    for (const name of names) {
      const told = await until(`${name} was told when it was ready`, () => last(fleet, name, 'told'));
      const nothing = { configured: policies, policies: {}, faults: [], breakers: {} };
      assert.deepEqual(told, nothing);
      assert.deepEqual(last(fleet, name, 'born with'), nothing);
    }
    await controlOf(fleet).setBreaker('stock', 'open');
    for (const name of names) {
      await until(`${name} hears of it`, () => last(fleet, name, 'told')?.breakers.stock === 'open');
    }
    await controlOf(fleet).restart('stock');
    await until(
      'its successor knows it',
      () => last(fleet, 'stock-1', 'born with')?.breakers.stock === 'open',
    );
  });

  it('may be a pause, which is not taken for the end of a process and ends in time', onLinux, async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, { faults: true, liveness: { timeout: '1s' } });
    await fleet.ready();
    const pid = await pidOf(fleet, 'stock-1');
    const from = fleet.events.length;
    await controlOf(fleet).addFaults({ target: 'stock', effects: ['pause'], time: '4s' });
    await until('it is stopped', () => viewProcess(pid)?.state === 'T');
    await until('it goes on', () => viewProcess(pid)?.state !== 'T');
    const events = fleet.events.slice(from);
    assert.deepEqual(
      events.map((event) => (event.type === 'fault' ? [event.state, event.because] : event)),
      [
        ['begun', undefined],
        ['ended', 'expired'],
      ],
    );
    assert.ok(
      fleet.logs.some((line) => line.service === 'flotilla' && /^fault f1: pause on stock/.test(line.msg)),
    );
    // From now on its silence counts again.
    process.kill(pid, 'SIGSTOP');
    await fleet.state('stock-1', 'backoff', from);
  });

  it('ends with the fleet, which stops as cleanly as ever', onLinux, async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED, orders: WELL_BEHAVED }, { faults: true });
    await fleet.ready({ policy: { ...QUICK, stopToldMs: 30_000, stopKillMs: 60_000 } });
    const pid = await pidOf(fleet, 'stock-1');
    await controlOf(fleet).addFaults({ target: 'stock', effects: ['pause'] });
    await until('it is stopped', () => viewProcess(pid)?.state === 'T');
    // Without SIGKILL, a minute away, only a process that goes on can obey.
    assert.deepEqual(await fleet.stop(), []);
    const ends = fleet.events.flatMap((event) => (event.type === 'fault' ? (event.because ?? []) : []));
    assert.deepEqual(ends, ['stopped']);
  });

  it('may be a restart of what is paused', onLinux, async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, { faults: true });
    await fleet.ready({ policy: { ...QUICK, stopToldMs: 30_000, stopKillMs: 60_000 } });
    await controlOf(fleet).addFaults({ target: 'stock-1', effects: ['pause'] });
    await controlOf(fleet).restart('stock-1');
    const pid = await pidOf(fleet, 'stock-1');
    await controlOf(fleet).clearFaults();
    assert.notEqual(viewProcess(pid)?.state, 'T');
  });

  it('may be the death of the broker', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, { faults: true });
    await fleet.ready();
    const from = fleet.events.length;
    await controlOf(fleet).addFaults({ target: 'broker', effects: ['kill'] });
    assert.equal((await fleet.state('broker-1', 'backoff', from)).reason, 'was killed by SIGKILL');
    await fleet.state('broker-1', 'ready', from);
  });
});
