import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from 'flotilla';
import type { Catalogue, Instrument } from './contract.ts';
import { KnownCatalogue } from './known-catalogue.ts';

const bitcoin: Instrument = {
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  tickSize: '0.01',
  lotSize: '0.0001',
  status: 'open',
  referencePrice: '60000',
};
const ether: Instrument = { ...bitcoin, symbol: 'ETH-USD', base: 'ETH', lotSize: '0.001' };
const catalogue = (version: number, ...instruments: Instrument[]): Catalogue => ({
  version,
  assets: { BTC: 8, ETH: 8, USD: 6 },
  instruments,
});

test('the latest catalogue is in force, with units computed', async () => {
  const known = new KnownCatalogue(silentLogger);
  assert.equal(known.version, 0);
  assert.ok(known.take(catalogue(1, bitcoin)));
  await known.ready;
  assert.equal(known.get('BTC-USD')?.units.basePerLot, 10_000n);
  assert.equal(known.decimals('USD'), 6);
  assert.equal(known.decimals('toString'), undefined);
  assert.ok(known.take(catalogue(2, bitcoin, ether)));
  assert.equal(known.get('ETH-USD')?.instrument.base, 'ETH');
  for (const old of [1, 2]) assert.equal(known.take(catalogue(old)), false);
  assert.equal(known.version, 2);
});

test('an instrument that is not listed any more is still known', () => {
  const known = new KnownCatalogue(silentLogger, catalogue(4, bitcoin));
  known.take(catalogue(5, ether));
  assert.equal(known.get('BTC-USD')?.units.symbol, 'BTC-USD');
  assert.deepEqual(known.current?.instruments, [ether]);
});

test('changed sizes and a broken instrument are refused loudly, the rest is taken', () => {
  const complaints: string[] = [];
  const log = { ...silentLogger, error: (message: string) => complaints.push(message) };
  const known = new KnownCatalogue(log, catalogue(5, bitcoin));
  known.take(catalogue(6, { ...bitcoin, tickSize: '0.5', status: 'halted' }, { ...ether, base: 'NONE' }));
  assert.equal(known.get('BTC-USD')?.units.tick, 1n);
  assert.equal(known.get('BTC-USD')?.instrument.status, 'halted');
  assert.equal(known.get('ETH-USD'), undefined);
  assert.equal(complaints.length, 2);
});
