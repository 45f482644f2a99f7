import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectControl } from '../control/client.ts';
import { Failure } from '../failure.ts';
import { FakeFleet, QUICK, WELL_BEHAVED } from '../testing/fake-fleet.ts';

const QUICKER = { ...QUICK, settleMs: 50, heardWithinMs: 400 };

/** Serves once; its second start on the same data says why it does not. */
const ONLY_ONCE = `
  import { existsSync, writeFileSync } from 'node:fs';
  const mark = process.env.FLOTILLA_DATA + '/' + process.env.FLOTILLA_INSTANCE;
  if (existsSync(mark)) { console.error('already been here'); process.exit(4); }
  writeFileSync(mark, '');
  ${WELL_BEHAVED}`;

async function roll(fleet: FakeFleet, name?: string): Promise<string[]> {
  const control = connectControl({ data: fleet.data, because: 'of this test' });
  const said: string[] = [];
  for await (const { time: _, stage, ...of } of control.rollingRestart(name)) {
    said.push([stage, ...Object.values(of)].join(' '));
  }
  return said;
}

/** What the fleet said of its processes since then. */
function statesSince(fleet: FakeFleet, from: number): string[] {
  return fleet.events
    .slice(from)
    .flatMap((event) => (event.type === 'state' ? `${event.instance} ${event.state}` : []));
}

describe('a rolling restart of real processes', { concurrency: true }, () => {
  it('takes one replica at a time, each when the one before is ready again', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, {}, { stock: { replicas: 3 } });
    await fleet.ready({ policy: QUICKER });
    const from = fleet.events.length;
    const said = await roll(fleet, 'stock');
    const steps = (name: string): string[] => [`replacing ${name}`, `ready ${name}`, `settled ${name}`];
    assert.deepEqual(said, [
      'begun stock-1,stock-2,stock-3',
      ...['stock-1', 'stock-2', 'stock-3'].flatMap(steps),
      'done',
    ]);
    const states = (name: string): string[] => [`${name} stopping`, `${name} starting`, `${name} ready`];
    assert.deepEqual(statesSince(fleet, from), ['stock-1', 'stock-2', 'stock-3'].flatMap(states));
    assert.deepEqual(fleet.deaths, [], 'none of them died');
  });

  it('takes a service with a single process too, and the gateway and the broker when they are named', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, { gateway: { port: 0 } });
    await fleet.ready({ policy: QUICKER });
    for (const name of ['stock', 'gateway', 'broker']) {
      assert.equal((await roll(fleet, name)).at(-1), 'done', name);
    }
    assert.deepEqual(await instances(fleet), ['broker-1 ready 1', 'stock-1 ready 1', 'gateway-1 ready 1']);
  });

  it('takes every service in the order of the start when none is named', async () => {
    await using fleet = new FakeFleet();
    fleet.configure(
      { orders: WELL_BEHAVED, stock: WELL_BEHAVED, prices: WELL_BEHAVED },
      { gateway: { port: 0 } },
      { orders: { after: ['stock'] }, stock: { after: ['prices'], replicas: 2 } },
    );
    await fleet.ready({ policy: QUICKER });
    const [begun] = await roll(fleet);
    assert.equal(begun, 'begun prices-1,stock-1,stock-2,orders-1');
    assert.deepEqual(await instances(fleet), [
      'broker-1 ready 0',
      'orders-1 ready 1',
      'stock-1 ready 1',
      'stock-2 ready 1',
      'prices-1 ready 1',
      'gateway-1 ready 0',
    ]);
  });

  it('stops at the first that does not come back, and leaves the others running', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ once: ONLY_ONCE }, {}, { once: { replicas: 2 } });
    const ready = await fleet.ready({ policy: QUICKER });
    const said = await roll(fleet, 'once');
    assert.equal(said.at(-1), 'failed once-1 did not come back: exited with code 4: already been here');
    const after = connectControl({ data: fleet.data, because: 'of this test' });
    const second = (await after.instances()).find((each) => each.instance === 'once-2');
    assert.equal(second?.pid, ready.instances.find((each) => each.instance === 'once-2')?.pid);
    const again = await roll(fleet, 'once-2');
    assert.match(again.at(-1) ?? '', /^failed once-2 was left alone, because once-1 is not ready/);
    assert.ok(
      fleet.logs.some(
        (line) => line.service === 'flotilla' && line.msg.startsWith('rolling restart: stopped: once-1'),
      ),
    );
  });

  it('stops when callers do not learn of the first, and refuses to be two at a time', async () => {
    await using fleet = new FakeFleet();
    fleet.configure({ stock: WELL_BEHAVED }, {}, { stock: { replicas: 2 } });
    const unheard = {
      prepare() {},
      report() {},
      heard: () => new Promise<void>(() => {}),
      operations: async () => undefined,
      async close() {},
    };
    await fleet.ready({ policy: QUICKER, presence: () => unheard });
    const first = roll(fleet, 'stock');
    await fleet.state('stock-1', 'stopping');
    await assert.rejects(roll(fleet), (error) => {
      assert.ok(error instanceof Failure && error.code === 'restart_failed');
      assert.match(error.message, /another rolling restart is under way/);
      return true;
    });
    assert.match((await first).at(-1) ?? '', /^failed stock-1 is ready, but discovery does not know it/);
  });
});

async function instances(fleet: FakeFleet): Promise<string[]> {
  const shown = await connectControl({ data: fleet.data, because: 'of this test' }).instances();
  return shown.map(({ instance, state, restarts }) => `${instance} ${state} ${restarts}`);
}
