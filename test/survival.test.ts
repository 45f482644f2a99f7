/** What a fleet survives, without a line of code for it in its services. */
import assert from 'node:assert/strict';
import http from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { FleetMember, OperationReport } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { FleetProcess, repository } from './fleet-process.ts';
import { Shop, Stock } from './shop/contract.ts';
import { SteadyCalls } from './steady-calls.ts';

let fleet: FleetProcess;
let member: FleetMember;

before(async () => {
  fleet = await FleetProcess.start({ config: join(repository, 'test/shop/flotilla.config.ts') });
  member = await fleet.member();
});

after(async () => {
  await fleet?.dispose();
});

const stock = () => member.client(Stock);
const shop = () => member.client(Shop);

async function pidOf(instance: string): Promise<number> {
  const found = (await fleet.ps()).find((each) => each.instance === instance);
  assert.ok(found, `${instance} runs`);
  return found.pid;
}

/** Both replicas of the stock answer this process. */
async function bothAnswer(): Promise<void> {
  const seen = new Set<string>();
  await waitFor(
    async () => {
      seen.add((await stock().count()).instance);
      return seen.size === 2;
    },
    { what: 'both replicas to be called' },
  );
}

async function isReplaced(instance: string, formerPid: number): Promise<void> {
  await waitFor(
    async () => {
      const found = (await fleet.ps()).find((each) => each.instance === instance);
      return found?.state === 'ready' && found.pid !== formerPid;
    },
    { what: `${instance} to be replaced`, timeoutMs: 20_000 },
  );
}

function breakerOf(name: string): OperationReport['breaker'] | undefined {
  const service = member.resilience().services.find((each) => each.service === name.split('.')[0]);
  return service?.operations.find((each) => `${service.service}.${each.operation}` === name)?.breaker;
}

async function statusOf(method: string, path: string): Promise<number> {
  const response = await fetch(`${fleet.gateway}${path}`, { method });
  await response.arrayBuffer();
  return response.status;
}

test('kill -9 of one of two replicas costs a caller what it had in flight there, and nothing later', async () => {
  await bothAnswer();
  await using direct = new SteadyCalls(250, () => stock().take());
  await using throughShop = new SteadyCalls(150, () => shop().buy());
  await using repeatable = new SteadyCalls(100, () => stock().count());
  await waitFor(() => direct.calls > 100);
  const pid = await pidOf('stock-1');
  process.kill(pid, 'SIGKILL');
  // On a quiet machine it is one call or none: see the benchmark.
  const atRisk = [direct, throughShop].map((load) => [load, Math.max(1, load.inFlight)] as const);
  await isReplaced('stock-1', pid);
  await bothAnswer();
  for (const [load, most] of atRisk) {
    const { failures } = await load.stop();
    assert.ok(failures.length <= most, failures.join('\n'));
  }
  assert.deepEqual((await repeatable.stop()).failures, []);
});

test('a replica that stands still is passed over, and then replaced from outside', async () => {
  await bothAnswer();
  await using load = new SteadyCalls(200, () => stock().count());
  const pid = await pidOf('stock-2');
  process.kill(pid, 'SIGSTOP');
  await isReplaced('stock-2', pid);
  const { calls, failures } = await load.stop();
  assert.deepEqual(failures, []);
  assert.ok(calls > 100);
  await bothAnswer();
});

test('a rolling restart loses no call, neither of replicas nor of a service that runs once', async () => {
  await bothAnswer();
  await using direct = new SteadyCalls(150, () => stock().take());
  await using throughGateway = new SteadyCalls(30, async () => {
    const status = await statusOf('POST', '/buy');
    if (status !== 200) throw new Error(`status ${status}`);
  });
  const before = new Map((await fleet.ps()).map(({ instance, pid }) => [instance, pid]));
  await fleet.cli('restart', '--rolling', 'stock');
  await fleet.cli('restart', '--rolling', 'shop');
  assert.deepEqual((await direct.stop()).failures, []);
  assert.deepEqual((await throughGateway.stop()).failures, []);
  for (const { instance, pid } of await fleet.ps()) {
    const isOurs = instance.startsWith('stock-') || instance === 'shop-1';
    assert.equal(pid !== before.get(instance), isOurs, `${instance} was ${isOurs ? '' : 'not '}restarted`);
  }
});

test('a sick dependency opens its breaker, harms nobody else, and is taken back when it is well', async () => {
  await bothAnswer();
  for (let n = 0; n < 30; n++) await shop().browse();
  await using needs = new SteadyCalls(60, () => shop().browse());
  await using other = new SteadyCalls(60, () => shop().menu());
  await fleet.cli('fault', 'add', 'shop->stock', 'latency=2s', 'error=unavailable:30%', '--for', '60s');
  await waitFor(() => breakerOf('shop.browse')?.state === 'open', { what: 'the breaker to open' });
  await fleet.cli('fault', 'clear');
  await waitFor(() => breakerOf('shop.browse')?.state === 'closed', { what: 'the breaker to close' });
  assert.deepEqual((await other.stop()).failures, []);
  for (const failure of (await needs.stop()).failures) assert.match(failure, /^unavailable:/);
});

test('a breaker that an operator holds open refuses calls, and lets them through when it may', async () => {
  const status = () => statusOf('GET', '/browse');
  assert.equal(await status(), 200);
  await fleet.cli('breaker', 'open', 'shop.browse');
  await waitFor(async () => (await status()) === 503, { what: 'calls to be refused' });
  assert.equal(await statusOf('GET', '/menu'), 200);
  await fleet.cli('breaker', 'auto', 'shop.browse');
  await waitFor(async () => (await status()) === 200, { what: 'calls to go through' });
});

test('a budget shrinks at every hop', async () => {
  const { mineMs, stockMs } = await shop().budget({}, { deadlineMs: 4_000 });
  assert.ok(stockMs > 0 && stockMs <= 4_000, `${stockMs} ms of 4000 arrived`);
  assert.ok(mineMs < 4_000);
});

test('a client that hangs up cancels the work all the way down', async () => {
  /** Of all replicas together. */
  const thoughts = async () => {
    let [begun, abandoned] = [0, 0];
    for (const { instance, address } of member.discovery.list('stock')) {
      const { identity, transport } = member;
      const channel = await transport.dial({ address, identity, expect: { service: 'stock', instance } });
      const { payload } = await channel.call('stock.thoughts', Buffer.from('{}'));
      const told = JSON.parse(payload.toString()) as { begun: number; abandoned: number };
      begun += told.begun;
      abandoned += told.abandoned;
      channel.close();
    }
    return { begun, abandoned };
  };
  const before = await thoughts();
  const request = http.request(`${fleet.gateway}/ponder`, { method: 'POST' });
  request.on('error', () => {});
  request.end();
  await waitFor(async () => (await thoughts()).begun > before.begun, { what: 'the stock to ponder' });
  request.destroy();
  await waitFor(async () => (await thoughts()).abandoned > before.abandoned, {
    what: 'the handler of the stock to be told',
  });
});
