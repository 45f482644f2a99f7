import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { skipWithout, waitFor } from 'flotilla/testing';
import { exact } from './conservation.ts';
import { book, request } from './exchange-client.ts';
import { FleetProcess, repository } from './fleet-process.ts';

const recordings = process.env.EXCHANGE_RECORDINGS ?? join(repository, '../shared/data');
const recording = join(recordings, 'spot_btcusdt_20240809.gz');
const external = 'BTCUSDT.BINANCE';

interface ReplayStatus {
  readonly replay: {
    readonly state: string;
    readonly sequence: number;
    readonly gaps: number;
    readonly reason?: string;
  };
}

test('a real recording is played as its own market, and the makers quote around it', {
  skip: skipWithout(
    existsSync(recording),
    `needs the recording ${recording}: put it there or name its folder in EXCHANGE_RECORDINGS`,
  ),
}, async () => {
  const environment = { EXCHANGE_FEED: recording, EXCHANGE_FEED_SPEED: '4' };
  const fleet = await FleetProcess.start({ environment });
  try {
    const listed = await waitFor(async () => {
      const { body } = await request<{ symbol: string; status: string }[]>(
        fleet.gateway,
        'GET',
        '/v1/markets',
      );
      return body.find(({ symbol }) => symbol === external);
    });
    assert.equal(listed.status, 'external');
    const seen = await waitFor(
      async () => {
        const found = await book(fleet.gateway, external);
        return found.bids.length >= 10 && found.asks.length >= 10 && found.sequence > 50 ? found : undefined;
      },
      { timeoutMs: 20_000, what: 'the book of the recording' },
    );
    assert.ok(exact(seen.bids[0]![0]) < exact(seen.asks[0]![0]));
    await waitFor(
      async () => {
        const venue = await book(fleet.gateway, external);
        const ours = await book(fleet.gateway, 'BTC-USD');
        if (!ours.bids[0] || !ours.asks[0]) return undefined;
        const middle = (exact(venue.bids[0]![0]) + exact(venue.asks[0]![0])) / 2n;
        const own = (exact(ours.bids[0][0]) + exact(ours.asks[0][0])) / 2n;
        const apart = own > middle ? own - middle : middle - own;
        return apart < middle / 500n;
      },
      { timeoutMs: 20_000, what: 'the makers to quote around the recorded price' },
    );
    const { replay } = await fleet.call<ReplayStatus>('feeds.status');
    assert.equal(replay.state, 'playing');
    assert.equal(replay.gaps, 0);
  } finally {
    await fleet.dispose();
  }
});

test('a damaged recording is a clear error with its line number, and the market goes on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-recording-'));
  const file = join(folder, 'damaged.txt');
  const ticker =
    '{"stream":"btcusdt@bookTicker","data":{"u":1,"s":"BTCUSDT","b":"1.00","B":"1.0","a":"2.00","A":"1.0"}}';
  writeFileSync(file, `1723161600001692584 ${ticker}\n1723161600001692585 {"stream":\n`);
  const fleet = await FleetProcess.start({ environment: { EXCHANGE_FEED: file } });
  try {
    const { replay } = await waitFor(async () => {
      const status = await fleet.call<ReplayStatus>('feeds.status');
      return status.replay.state === 'damaged' ? status : undefined;
    });
    assert.match(replay.reason!, /line 2|:2/);
    assert.match(await fleet.cli('logs', 'feeds'), /damaged\.txt/);
    await waitFor(async () => (await book(fleet.gateway, 'BTC-USD')).bids.length > 0, {
      what: 'quotes of our own makers',
    });
  } finally {
    await fleet.dispose();
    rmSync(folder, { recursive: true });
  }
});

test('a recording that does not exist stops the start with the way out', async () => {
  await assert.rejects(
    FleetProcess.start({ environment: { EXCHANGE_FEED: '/nowhere/at-all.gz' } }),
    /EXCHANGE_FEED/,
  );
});
