import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { waitFor } from 'flotilla/testing';
import { assertConserved, exact } from './conservation.ts';
import { book, Customer, request, serverSentEvents, type Trade, trades } from './exchange-client.ts';
import { FleetProcess } from './fleet-process.ts';

let fleet: FleetProcess;

before(async () => {
  fleet = await FleetProcess.start();
});

after(async () => {
  await fleet?.dispose();
});

interface MarketEvent {
  readonly type: string;
  readonly sequence: number;
  readonly bids?: readonly (readonly [string, string])[];
  readonly asks?: readonly (readonly [string, string])[];
}

async function openMarkets(): Promise<string[]> {
  const { body } = await request<{ symbol: string; status: string }[]>(fleet.gateway, 'GET', '/v1/markets');
  return body.filter(({ status }) => status === 'open').map(({ symbol }) => symbol);
}

test('three markets or more are liquid and trade', async () => {
  const symbols = await openMarkets();
  assert.ok(symbols.length >= 3);
  for (const symbol of symbols) {
    await waitFor(async () => (await trades(fleet.gateway, symbol)).length > 0, {
      what: `a trade in ${symbol}`,
    });
    const { bids, asks } = await book(fleet.gateway, symbol);
    assert.ok(
      bids.length >= 3 && asks.length >= 3,
      `${symbol} has ${bids.length} bids and ${asks.length} asks`,
    );
    assert.ok(exact(bids[0]![0]) < exact(asks[0]![0]), `${symbol} is not crossed`);
  }
});

test('a customer buys at the market and the balances say so', async () => {
  const customer = await Customer.open(fleet.gateway);
  const before = await customer.balances();
  const { status, body } = await customer.place({
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'market',
    quantity: '0.001',
  });
  assert.equal(status, 201, JSON.stringify(body));
  assert.equal(body.status, 'filled');
  assert.equal(exact(body.filled), exact('0.001'));
  const after = await customer.balances();
  const total = (balances: typeof before, asset: string) => {
    const { available, held } = balances.find((balance) => balance.asset === asset)!;
    return exact(available) + exact(held);
  };
  assert.equal(total(after, 'BTC') - total(before, 'BTC'), exact('0.001'));
  const paid = total(before, 'USD') - total(after, 'USD');
  assert.equal(paid, (exact(body.averagePrice!) * exact('0.001')) / 10n ** 18n);
});

test('a limit order rests, is found, holds its cost, and gives it back when cancelled', async () => {
  const customer = await Customer.open(fleet.gateway);
  const placed = await customer.place({ symbol: 'ETH-USD', side: 'buy', price: '1000.00', quantity: '1' });
  assert.equal(placed.status, 201);
  assert.equal(placed.body.status, 'open');
  assert.equal((await customer.order(placed.body.id)).body.status, 'open');
  assert.deepEqual(
    (await customer.orders('?status=open')).map(({ id }) => id),
    [placed.body.id],
  );
  const usd = (await customer.balances()).find(({ asset }) => asset === 'USD')!;
  assert.equal(exact(usd.held), exact('1000'));
  const cancelled = await customer.cancel(placed.body.id);
  assert.equal(cancelled.status, 200);
  assert.equal(cancelled.body.status, 'cancelled');
  assert.equal((await customer.order(placed.body.id)).body.status, 'cancelled');
  assert.equal(exact((await customer.balances()).find(({ asset }) => asset === 'USD')!.held), 0n);
  assert.deepEqual(await customer.orders('?status=open'), []);
});

test('the same client order id is the same order, and another body under it a conflict', async () => {
  const customer = await Customer.open(fleet.gateway);
  const order = {
    clientOrderId: 'mine-1',
    symbol: 'SOL-USD',
    side: 'sell',
    price: '999.000',
    quantity: '1.00',
  };
  const first = await customer.place(order);
  assert.equal(first.status, 201);
  const second = await customer.place(order);
  assert.equal(second.status, 200);
  assert.deepEqual(second.body, first.body);
  const third = await customer.place({ ...order, price: '999', quantity: '1' });
  assert.equal(third.status, 200, 'the same numbers written differently are the same order');
  const fourth = await customer.place({ ...order, quantity: '2' });
  assert.equal(fourth.status, 409);
  assert.equal(fourth.headers.get('content-type'), 'application/problem+json');
  await customer.cancel(first.body.id);
  const fifth = await customer.place(order);
  assert.equal(fifth.status, 200, 'also after it is cancelled');
  assert.equal(fifth.body.status, 'cancelled');
});

test('ten identical orders at once are one order', async () => {
  const customer = await Customer.open(fleet.gateway);
  const order = {
    clientOrderId: 'race',
    symbol: 'SOL-USD',
    side: 'sell',
    price: '998.000',
    quantity: '1.00',
  };
  const answers = await Promise.all(Array.from({ length: 10 }, () => customer.place(order)));
  assert.equal(new Set(answers.map(({ body }) => body.id)).size, 1);
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal((await customer.orders('?status=open')).length, 1);
});

test('wrong orders are refused with the field at fault', async () => {
  const customer = await Customer.open(fleet.gateway);
  const good = { symbol: 'BTC-USD', side: 'buy', price: '100.00', quantity: '0.01' };
  const cases: [string, Record<string, unknown>, number][] = [
    ['price', { ...good, price: '100.001' }, 400],
    ['price', { ...good, price: undefined }, 400],
    ['quantity', { ...good, quantity: '0.00001' }, 400],
    ['quantity', { ...good, quantity: '0' }, 400],
    ['quantity', { ...good, quantity: 1 }, 400],
    ['side', { ...good, side: 'long' }, 400],
    ['symbol', { ...good, symbol: 'NOPE-USD' }, 400],
    ['iceberg', { ...good, iceberg: true }, 400],
  ];
  for (const [field, order, expected] of cases) {
    const { status, body } = await customer.place(order);
    assert.equal(status, expected, `${field}: ${JSON.stringify(body)}`);
    assert.match(JSON.stringify(body), new RegExp(`/${field}\\b`), `${field}: ${JSON.stringify(body)}`);
  }
  const poor = await customer.place({ ...good, price: '1000000.00', quantity: '100' });
  assert.equal(poor.status, 422);
  assert.match(JSON.stringify(poor.body), /insufficient_funds/);
});

test('without a token, with a wrong one, or for a stranger there is nothing', async () => {
  const owner = await Customer.open(fleet.gateway);
  const stranger = await Customer.open(fleet.gateway);
  const { body } = await owner.place({ symbol: 'SOL-USD', side: 'sell', price: '997.000', quantity: '1' });
  assert.equal((await request(fleet.gateway, 'GET', '/v1/balances')).status, 401);
  assert.equal(
    (await request(fleet.gateway, 'GET', '/v1/balances', { token: `${owner.token}x` })).status,
    401,
  );
  assert.equal((await stranger.order(body.id)).status, 404);
  assert.equal((await stranger.cancel(body.id)).status, 404);
  assert.equal((await request(fleet.gateway, 'POST', '/v1/matching/audit')).status, 404);
});

test('the stream begins with a snapshot, has no gap, is never crossed, and resumes', async () => {
  const url = `${fleet.gateway}/v1/markets/BTC-USD/stream`;
  const sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  const stop = new AbortController();
  let last = 0;
  let count = 0;
  for await (const { event, id, data } of serverSentEvents(url, stop.signal)) {
    const update = data as MarketEvent;
    assert.equal(event, count === 0 ? 'snapshot' : update.type);
    assert.equal(Number(id), update.sequence);
    if (count > 0) {
      assert.ok(event === 'book' || event === 'trade');
      assert.equal(update.sequence, last + 1);
    }
    last = update.sequence;
    for (const side of ['bids', 'asks'] as const) {
      for (const [price, quantity] of update[side] ?? []) {
        if (exact(quantity) === 0n) sides[side].delete(price);
        else sides[side].set(price, quantity);
      }
    }
    const bids = [...sides.bids.keys()].map(exact);
    const asks = [...sides.asks.keys()].map(exact);
    const crossed = bids.some((bid) => asks.some((ask) => bid >= ask));
    assert.ok(!crossed, `crossed at ${last}`);
    if (++count === 40) break;
  }
  stop.abort();
  const again = new AbortController();
  for await (const { id } of serverSentEvents(url, again.signal, { 'last-event-id': String(last) })) {
    assert.equal(Number(id), last + 1);
    break;
  }
  again.abort();
});

test('trades have gapless ids and candles are their fold', async () => {
  const all = await waitFor(
    async () => {
      const found = await trades(fleet.gateway, 'BTC-USD', 1000);
      return found.length >= 5 ? found : undefined;
    },
    { timeoutMs: 30_000 },
  );
  for (const [index, trade] of all.slice(1).entries()) {
    assert.equal(trade.id, all[index]!.id - 1);
    assert.ok(trade.sequence < all[index]!.sequence);
  }
  await fleet.call('feeds.pause');
  const final = await waitFor(async () => {
    const one = await trades(fleet.gateway, 'BTC-USD', 1000);
    const two = await trades(fleet.gateway, 'BTC-USD', 1000);
    return one[0]!.id === two[0]!.id ? two : undefined;
  });
  const { body: candles } = await request<{ time: string; close: string; volume: string; trades: number }[]>(
    fleet.gateway,
    'GET',
    '/v1/markets/BTC-USD/candles?interval=1m',
  );
  await fleet.call('feeds.resume');
  const minute = (trade: Trade) => `${trade.time.slice(0, 16)}:00.000Z`;
  for (const candle of candles) {
    const own = final.filter((trade) => minute(trade) === candle.time);
    assert.equal(candle.trades, own.length);
    assert.equal(exact(candle.close), exact(own[0]!.price));
    assert.equal(
      exact(candle.volume),
      own.reduce((sum, { quantity }) => sum + exact(quantity), 0n),
    );
  }
});

test('the OpenAPI document is valid and has every public call', async () => {
  const { body } = await request<{ paths: Record<string, unknown> }>(fleet.gateway, 'GET', '/openapi.json');
  const { valid, errors } = await new Validator().validate(body);
  assert.ok(valid, JSON.stringify(errors));
  for (const path of [
    '/v1/demo/accounts',
    '/v1/markets',
    '/v1/markets/{symbol}/book',
    '/v1/markets/{symbol}/trades',
    '/v1/markets/{symbol}/candles',
    '/v1/markets/{symbol}/stream',
    '/v1/orders',
    '/v1/orders/{id}',
    '/v1/balances',
  ]) {
    assert.ok(body.paths[path], path);
  }
});

test('cash and shares are conserved, and all services agree', async () => {
  await assertConserved(fleet);
  await fleet.call('feeds.resume');
});
