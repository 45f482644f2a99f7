import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { waitFor } from 'flotilla/testing';
import { assertConserved } from './conservation.ts';
import { book, Customer, trades } from './exchange-client.ts';
import { FleetProcess, repository } from './fleet-process.ts';

const run = promisify(execFile);

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

test('state survives a restart, sequences go on without a gap, and the journal replays to the same state', async () => {
  let fleet = await FleetProcess.start();
  const { data } = fleet;
  try {
    const customer = await Customer.open(fleet.gateway);
    const order = {
      clientOrderId: 'kept',
      symbol: 'ETH-USD',
      side: 'buy',
      price: '1000.00',
      quantity: '0.5',
    };
    const placed = await customer.place(order);
    await waitFor(async () => (await trades(fleet.gateway, 'BTC-USD')).length > 3);
    const before = await assertConserved(fleet);
    const lastBook = await book(fleet.gateway, 'BTC-USD', 1000);
    const lastTrade = (await trades(fleet.gateway, 'BTC-USD', 1))[0]!;
    const pids = (await fleet.ps()).map(({ pid }) => pid);

    const stoppedAt = performance.now();
    assert.equal(await fleet.interrupt(), 0);
    const stopMs = performance.now() - stoppedAt;
    assert.ok(stopMs < 5_000, `stopping took ${stopMs} ms`);
    assert.deepEqual(pids.filter(alive), [], 'nothing is left running');

    const { stdout } = await run(process.execPath, [
      join(repository, 'exchange/matching/verify-journal.ts'),
      join(data, 'services/matching/matching.sqlite'),
      '--json',
    ]);
    assert.equal(JSON.parse(stdout).intact, true, stdout);

    fleet = await FleetProcess.start({ data, environment: { EXCHANGE_PARTICIPANTS: 'false' } });
    const after = await fleet.call<typeof before.matching>('matching.audit');
    assert.equal(after.stateHash, before.matching.stateHash);
    assert.equal(after.sequence, before.matching.sequence);
    const again = customer.at(fleet.gateway);
    const repeated = await again.place(order);
    assert.equal(repeated.status, 200, 'the token and the order survive');
    assert.equal(repeated.body.id, placed.body.id);
    const sameBook = await book(fleet.gateway, 'BTC-USD', 1000);
    assert.deepEqual(sameBook, lastBook);
    const taken = await again.place({ symbol: 'BTC-USD', side: 'buy', type: 'market', quantity: '0.001' });
    assert.equal(taken.body.status, 'filled', JSON.stringify(taken.body));
    const next = await trades(fleet.gateway, 'BTC-USD', 10);
    const own = next.filter(({ id }) => id > lastTrade.id);
    assert.equal(own.at(-1)!.id, lastTrade.id + 1);
    assert.equal(own.at(-1)!.sequence, lastBook.sequence + 1);
  } finally {
    await fleet.dispose();
  }
});
