import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Matching } from '@exchange/matching';
import matching from '@exchange/matching/service';
import { Reference } from '@exchange/reference';
import reference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { attempt, type CallOptions } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { type PlaceOrder, Risk } from './contract.ts';
import risk from './service.ts';

const as = (account: string): CallOptions => ({
  user: { subject: account, scopes: ['orders:write', 'account:read'] },
});
const [alice, bob] = [as('alice'), as('bob')];

let placed = 0;
type OrderRequest = Omit<PlaceOrder, 'timeInForce'> & Partial<PlaceOrder>;
function request(given: Partial<OrderRequest> = {}): OrderRequest {
  placed += 1;
  return {
    clientOrderId: `mine-${placed}`,
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'limit',
    price: '60000.00',
    quantity: '0.01',
    ...given,
  };
}

async function start() {
  const fleet = await ExchangeFleet.open();
  after(() => fleet.stop());
  await fleet.start(reference, matching, risk);
  const client = fleet.client(Risk);
  for (const account of ['alice', 'bob']) {
    await client.fund({
      transfer: `fund-${account}`,
      account,
      amounts: [
        { asset: 'USD', amount: '100000' },
        { asset: 'BTC', amount: '2' },
      ],
    });
  }
  return { fleet, client, engine: fleet.client(Matching) };
}

async function balances(client: Awaited<ReturnType<typeof start>>['client'], account: CallOptions) {
  const entries = await client.balances({}, account);
  return Object.fromEntries(
    entries.map(({ asset, available, held }) => [asset, `${available} + ${held}`] as const),
  );
}

describe('placing orders', () => {
  test('an order holds what it may cost, and a better price gives the difference back', async () => {
    const { client } = await start();
    const bid = await client.place(request(), alice);
    assert.deepEqual(
      [bid.status, bid.price, bid.quantity, bid.filled, bid.remaining, bid.averagePrice],
      ['open', '60000.00', '0.0100', '0.0000', '0.0100', null],
    );
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '99400 + 600' });

    await client.place(request({ side: 'sell', price: '59000', quantity: '0.004' }), bob);
    assert.deepEqual(await balances(client, alice), { BTC: '2.004 + 0', USD: '99400 + 360' });
    assert.deepEqual(await balances(client, bob), { BTC: '1.996 + 0', USD: '100240 + 0' });

    const high = await client.place(request({ side: 'sell', price: '61000', quantity: '0.01' }), bob);
    assert.equal(high.status, 'open');
    const taker = await client.place(request({ price: '70000', quantity: '0.01' }), alice);
    assert.deepEqual([taker.status, taker.averagePrice], ['filled', '61000']);
    assert.deepEqual(await balances(client, alice), { BTC: '2.014 + 0', USD: '98790 + 360' });
  });

  test('a cancelled order gives its hold back', async () => {
    const { client, engine } = await start();
    const ask = await client.place(request({ side: 'sell', price: '90000', quantity: '0.5' }), alice);
    assert.deepEqual(await balances(client, alice), { BTC: '1.5 + 0.5', USD: '100000 + 0' });
    await engine.cancel({ id: ask.id }, alice);
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '100000 + 0' });
  });

  test('a market order trades within ten per cent of the last price and holds for the worst', async () => {
    const { client, engine } = await start();
    await client.place(request({ side: 'sell', price: '60000', quantity: '0.01' }), bob);
    await client.place(request({ side: 'sell', price: '66000.01', quantity: '1' }), bob);
    const { price: _, ...market } = request({ type: 'market', quantity: '0.5' });
    const bought = await client.place(market, alice);
    assert.deepEqual(
      [bought.status, bought.filled, bought.remaining, bought.price],
      ['cancelled', '0.0100', '0.0000', null],
    );
    assert.deepEqual(await balances(client, alice), { BTC: '2.01 + 0', USD: '99400 + 0' });
    const { depth } = await engine.audit();
    assert.deepEqual(depth[0]?.asks, [[6_600_001, 10_000]]);
    const { price: __, ...tooMuch } = request({ type: 'market', quantity: '1.6' });
    const refused = await attempt(client.place(tooMuch, alice));
    assert.ok(!refused.ok && refused.error.code === 'insufficient_funds');
    assert.match(refused.error.message, /^the order needs [\d.]+ [A-Z]+, and [\d.]+ [A-Z]+ are available$/);
    assert.deepEqual(refused.error.data, { asset: 'USD', required: '105600', available: '99400' });
  });

  test('what an account cannot pay for is refused and changes nothing', async () => {
    const { client } = await start();
    const refused = await attempt(client.place(request({ quantity: '1.6667' }), alice));
    assert.ok(!refused.ok && refused.error.code === 'insufficient_funds');
    assert.deepEqual(refused.error.data, { asset: 'USD', required: '100002', available: '100000' });
    const stranger = await attempt(client.place(request(), as('nobody')));
    assert.ok(!stranger.ok && stranger.error.code === 'insufficient_funds');
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '100000 + 0' });
  });

  test('two orders that arrive at once cannot spend the same money', async () => {
    const { client } = await start();
    const orders = Array.from({ length: 5 }, () => request({ price: '50000', quantity: '0.8' }));
    const results = await Promise.all(orders.map((order) => attempt(client.place(order, alice))));
    assert.deepEqual(results.map(({ ok }) => ok).sort(), [false, false, false, true, true]);
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '20000 + 80000' });
  });

  test('every field at fault is named', async () => {
    const { client } = await start();
    const issues = async (given: Partial<OrderRequest>) => {
      const result = await attempt(client.place(request(given), alice));
      assert.ok(!result.ok && result.error.code === 'invalid_argument');
      return result.error.data.issues.map(({ path }) => path.join('.'));
    };
    assert.deepEqual(await issues({ symbol: 'NO-SUCH' }), ['symbol']);
    assert.deepEqual(await issues({ price: '60000.001', quantity: '0.00001' }), ['quantity', 'price']);
    assert.deepEqual(await issues({ price: undefined }), ['price']);
    assert.deepEqual(await issues({ type: 'market' }), ['price']);
    assert.deepEqual(await issues({ quantity: '0' }), ['quantity']);
  });

  test('an order needs an end user', async () => {
    const { client } = await start();
    const result = await attempt(client.place(request()));
    assert.ok(!result.ok);
    assert.equal(result.error.code, 'unauthenticated');
  });

  test('a halted market takes no orders, but tells of those it has', async () => {
    const { fleet, client } = await start();
    const before = request();
    const open = await client.place(before, alice);
    const { instruments } = await fleet.client(Reference).catalogue();
    const [bitcoin] = instruments;
    await fleet.client(Reference).list({ instrument: { ...bitcoin!, status: 'halted' } });
    const refused = await waitFor(async () => {
      const result = await attempt(client.place(request({ quantity: '0.0001' }), alice));
      return result.ok || result.error.code !== 'market_not_open' ? undefined : result.error;
    });
    assert.deepEqual(refused.data, { symbol: 'BTC-USD', status: 'halted' });
    assert.deepEqual(await client.place(before, alice), open);
  });
});

describe('the same clientOrderId again', () => {
  test('it is the same order, as it stands now', async () => {
    const { client, engine } = await start();
    const first = request();
    const { id } = await client.place(first, alice);
    await client.place(request({ side: 'sell', quantity: '0.004' }), bob);
    const again = await client.place({ ...first, price: '60000', quantity: '0.010' }, alice);
    assert.deepEqual([again.id, again.status, again.filled], [id, 'partially_filled', '0.0040']);
    await engine.cancel({ id }, alice);
    await client.balances({}, alice);
    const closed = await client.place(first, alice);
    assert.deepEqual([closed.id, closed.status, closed.filled], [id, 'cancelled', '0.0040']);
  });

  test('with another content it is a conflict', async () => {
    const { client } = await start();
    const first = request();
    await client.place(first, alice);
    for (const other of [{ quantity: '0.02' }, { price: '60000.01' }, { timeInForce: 'ioc' as const }]) {
      const result = await attempt(client.place({ ...first, ...other }, alice));
      assert.ok(!result.ok);
      assert.equal(result.error.code, 'conflict');
    }
    assert.equal((await client.place(first, bob)).clientOrderId, first.clientOrderId);
  });

  test('requests that arrive at once place one order', async () => {
    const { client, engine } = await start();
    const same = request();
    const answers = await Promise.all(Array.from({ length: 6 }, () => client.place(same, alice)));
    assert.equal(new Set(answers.map(({ id }) => id)).size, 1);
    assert.equal((await engine.audit()).orders.length, 1);
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '99400 + 600' });
  });

  test('a rejection by the engine is the same rejection again', async () => {
    const { client, engine } = await start();
    // Past risk, an order takes the whole level that a second one then cannot join.
    await engine.submit({
      order: {
        id: 'past-risk-1',
        clientOrderId: 'past-risk-1',
        account: 'carol',
        symbol: 'BTC-USD',
        side: 'sell',
        type: 'limit',
        price: 6_500_000,
        quantity: Number.MAX_SAFE_INTEGER,
        timeInForce: 'gtc',
      },
    });
    const unlucky = request({ side: 'sell', price: '65000', quantity: '1' });
    const first = await attempt(client.place(unlucky, alice));
    const second = await attempt(client.place(unlucky, alice));
    assert.ok(!first.ok && first.error.code === 'order_rejected');
    assert.ok(!second.ok && second.error.code === 'order_rejected');
    assert.equal(first.error.data.reason, 'level_full');
    assert.deepEqual(second.error.data, first.error.data);
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '100000 + 0' });
  });
});

describe('while the engine is away', () => {
  test('an order fails at once, holds nothing, and can be placed later under the same id', async () => {
    const { fleet, client } = await start();
    await fleet.kill(Matching);
    const order = request();
    const refused = await attempt(client.place(order, alice));
    assert.ok(!refused.ok);
    assert.equal(refused.error.code, 'unavailable');
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '100000 + 0' });
    assert.deepEqual((await client.audit()).holds, []);
    await fleet.start(matching);
    assert.equal((await client.place(order, alice)).status, 'open');
  });

  test('a transfer is credited once, and not at all with another content', async () => {
    const { fleet, client } = await start();
    await fleet.kill(Matching);
    const transfer = { transfer: 'gift', account: 'alice', amounts: [{ asset: 'BTC', amount: '0.5' }] };
    await Promise.all([client.fund(transfer), client.fund(transfer)]);
    await fleet.kill(Risk);
    await fleet.start(risk);
    await client.fund(transfer);
    assert.deepEqual(await balances(client, alice), { BTC: '2.5 + 0', USD: '100000 + 0' });
    const other = await attempt(client.fund({ ...transfer, amounts: [{ asset: 'BTC', amount: '5' }] }));
    assert.ok(!other.ok);
    assert.equal(other.error.code, 'conflict');
    const unknown = await attempt(
      client.fund({ transfer: 'x', account: 'alice', amounts: [{ asset: 'GOLD', amount: '1' }] }),
    );
    assert.ok(!unknown.ok);
    assert.equal(unknown.error.code, 'invalid_argument');
  });
});

describe('restarts', () => {
  test('balances, holds and repetitions survive, also of what happened while risk was away', async () => {
    const { fleet, client, engine } = await start();
    const kept = request();
    const cancelled = request({ price: '59000' });
    const first = await client.place(kept, alice);
    const second = await client.place(cancelled, alice);
    await fleet.kill(Risk);
    await engine.cancel({ id: second.id });
    await fleet.kill(Reference);
    await fleet.start(risk);
    assert.deepEqual(await balances(client, alice), { BTC: '2 + 0', USD: '99400 + 600' });
    assert.equal((await client.place(kept, alice)).id, first.id);
    assert.equal((await client.place(cancelled, alice)).status, 'cancelled');
  });
});
