import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { Catalogue, Instrument } from './contract.ts';
import { followCatalogue } from './follow-catalogue.ts';

/** What a test starts ends with it, also where it fails. */
function stopAfterwards(): AbortController {
  const stop = new AbortController();
  after(() => stop.abort());
  return stop;
}

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

/** Each connection gives its list and then breaks. */
function source(...connections: Catalogue[][]) {
  return {
    async *watch() {
      yield* connections.shift() ?? [];
      throw platformError('unavailable', 'reference is unavailable');
    },
  };
}

test('the catalogue follows changes over broken connections, with units computed', async () => {
  const stop = stopAfterwards();
  const taken: number[] = [];
  const follower = followCatalogue({
    client: source([catalogue(1, bitcoin)], [catalogue(1, bitcoin), catalogue(2, bitcoin, ether)]),
    onChange: ({ version }) => taken.push(version),
    log: silentLogger,
    signal: stop.signal,
  });
  await follower.ready;
  assert.equal(follower.get('BTC-USD')?.units.basePerLot, 10_000n);
  assert.equal(follower.decimals('USD'), 6);
  assert.equal(follower.decimals('toString'), undefined);
  await waitFor(() => follower.version === 2);
  assert.equal(follower.get('ETH-USD')?.instrument.base, 'ETH');
  assert.deepEqual(taken, [1, 2]);
  stop.abort();
  await follower.closed;
});

test('the last known good catalogue serves while reference is away', async () => {
  const stop = stopAfterwards();
  const follower = followCatalogue({
    client: source(),
    initial: catalogue(4, bitcoin),
    log: silentLogger,
    signal: stop.signal,
  });
  await follower.ready;
  assert.equal(follower.version, 4);
  assert.equal(follower.get('BTC-USD')?.units.symbol, 'BTC-USD');
  stop.abort();
  await follower.closed;
});

test('an older catalogue, changed sizes and a broken instrument are refused loudly, the rest is taken', async () => {
  const stop = stopAfterwards();
  const complaints: string[] = [];
  const follower = followCatalogue({
    client: source([
      catalogue(5, bitcoin),
      catalogue(4),
      catalogue(6, { ...bitcoin, tickSize: '0.5', status: 'halted' }, { ...ether, base: 'NONE' }),
    ]),
    log: { ...silentLogger, error: (message) => complaints.push(message) },
    signal: stop.signal,
  });
  await waitFor(() => follower.version === 6);
  assert.equal(follower.get('BTC-USD')?.units.tick, 1n);
  assert.equal(follower.get('BTC-USD')?.instrument.status, 'halted');
  assert.equal(follower.get('ETH-USD'), undefined);
  assert.equal(complaints.length, 3);
  stop.abort();
  await follower.closed;
});
