import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attempt } from 'flotilla';
import { TestFleet } from 'flotilla/testing';
import { type Instrument, Reference } from './contract.ts';
import reference from './service.ts';

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

test('watchers get the catalogue now and after a change, and a change survives a restart', async () => {
  const fleet = new TestFleet();
  await fleet.start(reference);
  const client = fleet.client(Reference);
  const versions: number[] = [];
  for await (const { version, instruments } of client.watch()) {
    versions.push(version);
    if (version === 1) await client.list({ instrument: external, assets: { USDT: 8 } });
    else {
      assert.ok(instruments.some(({ symbol }) => symbol === 'BTCUSDT.BINANCE'));
      break;
    }
  }
  assert.deepEqual(versions, [1, 2]);
  await fleet.kill(Reference);
  await fleet.start(reference);
  assert.equal((await fleet.client(Reference).catalogue()).version, 2);
  await fleet.stop();
});

test('listing the same instrument again changes nothing', async () => {
  const fleet = new TestFleet();
  await fleet.start(reference);
  const client = fleet.client(Reference);
  await client.list({ instrument: external, assets: { USDT: 8 } });
  assert.equal((await client.list({ instrument: external, assets: { USDT: 8 } })).version, 2);
  await fleet.stop();
});

test('an instrument whose steps cannot be counted is refused with the reason', async () => {
  const fleet = new TestFleet();
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
