import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt, contract, service, subscribe } from 'flotilla';
import { TestFleet, waitFor } from 'flotilla/testing';
import { type Instrument, Reference } from './contract.ts';
import reference from './service.ts';
import { ExchangeFleet } from './testing/exchange-fleet.ts';

const external: Instrument = {
  symbol: 'BTCUSDT.BINANCE',
  base: 'BTC',
  quote: 'USDT',
  tickSize: '0.01',
  lotSize: '0.00001',
  status: 'external',
  referencePrice: '60000.00',
};

test('a new exchange has at least three open markets, without inner fields', async () => {
  const fleet = new TestFleet();
  await fleet.start(reference);
  const markets = await fleet.client(Reference).markets();
  assert.ok(markets.filter(({ status }) => status === 'open').length >= 3);
  assert.deepEqual(Object.keys(markets[0]!), ['symbol', 'base', 'quote', 'tickSize', 'lotSize', 'status']);
  await fleet.stop();
});

test('a change is said to everybody, each once, and survives a restart', async () => {
  const fleet = await ExchangeFleet.open();
  const heard: number[] = [];
  const listener = service(contract('listener', {}), {
    operations: {},
    subscriptions: [
      subscribe(Reference.changed, { group: 'listener' }, ({ version, instruments }) => {
        assert.ok(instruments.some(({ symbol }) => symbol === 'BTCUSDT.BINANCE'));
        heard.push(version);
      }),
    ],
  });
  await fleet.start(reference, listener);
  const client = fleet.client(Reference);
  const ether = { ...external, symbol: 'ETHUSDT.BINANCE', base: 'ETH' };
  await Promise.all([external, ether].map((instrument) => client.list({ instrument, assets: { USDT: 8 } })));
  assert.equal((await client.list({ instrument: external, assets: { USDT: 8 } })).version, 3);
  await fleet.kill(Reference);
  await fleet.start(reference);
  assert.equal((await fleet.client(Reference).catalogue()).version, 3);
  await fleet.client(Reference).list({ instrument: { ...external, status: 'closed' }, assets: {} });
  await waitFor(() => heard.length >= 3);
  assert.deepEqual(heard, [2, 3, 4]);
  await fleet.stop();
});

test('an instrument whose steps cannot be counted is refused with the reason', async () => {
  const fleet = await ExchangeFleet.open();
  await fleet.start(reference);
  const client = fleet.client(Reference);
  const tooFine = await attempt(
    client.list({ instrument: { ...external, lotSize: '0.0000000001' }, assets: { USDT: 8 } }),
  );
  assert.ok(!tooFine.ok && tooFine.error.code === 'invalid_instrument');
  const changed = await attempt(client.list({ instrument: external, assets: { USDT: 8, BTC: 2 } }));
  assert.ok(!changed.ok && changed.error.code === 'invalid_instrument');
  await client.list({ instrument: external, assets: { USDT: 8 } });
  const resized = await attempt(client.list({ instrument: { ...external, tickSize: '0.1' }, assets: {} }));
  assert.ok(!resized.ok && resized.error.code === 'invalid_instrument');
  await fleet.stop();
});
