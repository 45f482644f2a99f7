import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import fc from 'fast-check';
import { type Database, type Logger, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { followVenue } from './follow-venue.ts';
import { Market } from './market.ts';
import { MarketStore } from './market-store.ts';
import type { LevelChange, MarketUpdate } from './market-update.ts';
import { marketDatabase } from './testing/market-database.ts';
import { ScriptedVenue, type VenueStep, venueSymbol } from './testing/scripted-venue.ts';
import { VenuePosition } from './venue-position.ts';

const units = instrumentUnits(
  { symbol: venueSymbol, base: 'BTC', quote: 'USDT', tickSize: '1', lotSize: '1' },
  { BTC: 8, USDT: 10 },
);

interface FollowerOptions {
  readonly venue: ScriptedVenue;
  readonly database?: Database;
  readonly log?: Logger;
  readonly listed?: () => boolean;
}

/** What market-data does with the other venue, and nothing else. */
function follow({
  venue,
  database = marketDatabase(),
  log = silentLogger,
  listed = () => true,
}: FollowerOptions) {
  const store = new MarketStore(database);
  const position = new VenuePosition(database);
  const market = store.load()[0] ?? new Market(venueSymbol);
  const shown: MarketUpdate[] = [];
  const stop = new AbortController();
  const closed = followVenue({
    client: venue,
    store,
    position,
    market: () => (listed() ? { market, units } : undefined),
    show(update) {
      assert.ok(store.load()[0]!.sequence >= update.sequence, 'an update was shown before it was on disk');
      market.apply(update);
      shown.push(update);
    },
    log,
    signal: stop.signal,
  });
  return {
    store,
    position,
    market,
    shown,
    database,
    until: (run: number, sequence: number) =>
      waitFor(() => position.current?.run === run && position.current.sequence === sequence),
    async stop() {
      stop.abort();
      await closed;
    },
  };
}

const snapshot = (...levels: Extract<VenueStep, { levels: unknown }>['levels']): VenueStep => ({
  kind: 'snapshot',
  levels,
});
const book = (...levels: Extract<VenueStep, { levels: unknown }>['levels']): VenueStep => ({
  kind: 'book',
  levels,
});
const trade: VenueStep = { kind: 'trade', price: 100, quantity: 2 };
const gap: VenueStep = { kind: 'gap' };

test('the book follows snapshot, changes, gap and the snapshot after that', async () => {
  const venue = new ScriptedVenue();
  const follower = follow({ venue });
  venue.play(snapshot(['buy', 99, 1], ['sell', 101, 1]), book(['buy', 100, 2]), trade);
  await follower.until(1, 3);
  assert.deepEqual(follower.market.book(), {
    sequence: 3,
    bids: [
      [100, 2],
      [99, 1],
    ],
    asks: [[101, 1]],
  });
  venue.play(gap);
  await follower.until(1, 4);
  assert.deepEqual(follower.market.book(), { sequence: 4, bids: [], asks: [] });
  venue.play(trade, snapshot(['buy', 98, 3]));
  await follower.until(1, 6);
  assert.deepEqual(follower.market.book(), { sequence: 6, bids: [[98, 3]], asks: [] });
  await follower.stop();
});

test('whatever breaks, every event counts once, the public sequence has no gap, and the disk has it all', async () => {
  const level = fc.tuple(
    fc.constantFrom('buy' as const, 'sell' as const),
    fc.integer({ min: 1, max: 6 }),
    fc.nat({ max: 2 }),
  );
  const distinct = fc.uniqueArray(level, { selector: ([side, price]) => `${side}${price}`, maxLength: 5 });
  const step: fc.Arbitrary<VenueStep> = fc.oneof(
    { weight: 5, arbitrary: distinct.map((levels) => book(...levels)) },
    { weight: 3, arbitrary: fc.constant(trade) },
    {
      weight: 1,
      arbitrary: distinct.map((levels) => snapshot(...levels.filter(([, , quantity]) => quantity > 0))),
    },
    { weight: 1, arbitrary: fc.constant(gap) },
  );
  const steps = fc.array(step, { minLength: 1, maxLength: 30 });
  await fc.assert(
    fc.asyncProperty(
      steps,
      fc.array(fc.integer({ min: 1, max: 30 }), { maxLength: 2 }),
      async (script, breaks) => {
        const venue = new ScriptedVenue();
        for (const at of breaks) venue.breaks.add(at);
        venue.play(snapshot(['buy', 3, 1]), ...script);
        const follower = follow({ venue });
        const all = script.length + 1;
        await follower.until(1, all);
        const expected = new Map([['buy3', 1]]);
        let trades = 0;
        for (const one of script) {
          if (one.kind === 'trade') trades += 1;
          if (one.kind === 'gap' || one.kind === 'snapshot') expected.clear();
          if (!('levels' in one)) continue;
          for (const [side, price, quantity] of one.levels) {
            if (quantity === 0) expected.delete(`${side}${price}`);
            else expected.set(`${side}${price}`, quantity);
          }
        }
        await follower.stop();
        const { market, shown, store } = follower;
        const { bids, asks } = market.book();
        const seen = new Map([
          ...bids.map(([price, quantity]) => [`buy${price}`, quantity] as const),
          ...asks.map(([price, quantity]) => [`sell${price}`, quantity] as const),
        ]);
        assert.deepEqual(new Map([...seen].sort()), new Map([...expected].sort()));
        assert.deepEqual(
          shown.map(({ sequence }) => sequence),
          shown.map((_, index) => index + 1),
        );
        assert.equal(store.trades(venueSymbol, 100).length, trades);
        assert.deepEqual(store.load()[0]!.book(), market.book());
      },
    ),
    { numRuns: 15 },
  );
});

test('it goes on after the last stored event, also after a restart', async () => {
  const venue = new ScriptedVenue();
  venue.breaks.add(2);
  venue.play(snapshot(['buy', 99, 1]), trade, trade);
  const before = follow({ venue });
  await before.until(1, 3);
  await before.stop();
  venue.play(book(['buy', 99, 5]));
  const after = follow({ venue, database: before.database });
  await after.until(1, 4);
  assert.deepEqual(venue.asked, [undefined, { run: 1, sequence: 2 }, { run: 1, sequence: 3 }]);
  assert.deepEqual(
    after.shown.map(({ sequence }) => sequence),
    [4],
  );
  assert.deepEqual(after.market.book().bids, [[99, 5]]);
  await after.stop();
});

test('a new run replaces the book by a difference and forgets the trades of the old one; the sequence goes on', async () => {
  const venue = new ScriptedVenue();
  const follower = follow({ venue });
  venue.play(snapshot(['buy', 99, 1], ['buy', 98, 1]), trade, trade);
  await follower.until(1, 3);
  venue.newRun();
  venue.play(snapshot(['buy', 99, 1], ['buy', 97, 1]), trade);
  await follower.until(2, 2);
  const changes: LevelChange[] = [
    { side: 'buy', price: 97, quantity: 1 },
    { side: 'buy', price: 98, quantity: 0 },
  ];
  const { time } = follower.shown[0]!;
  assert.deepEqual(follower.shown[3], { kind: 'book', symbol: venueSymbol, sequence: 4, time, changes });
  assert.equal(follower.shown[4]!.sequence, 5);
  assert.deepEqual(
    follower.store.trades(venueSymbol, 10).map(({ sequence }) => sequence),
    [5],
  );
  assert.equal(follower.store.candles.latest(venueSymbol, 1, 10)[0]!.trades, 1);
  await follower.stop();
});

test('an event that does not follow changes nothing, and is asked for again', async () => {
  const warnings: unknown[] = [];
  const log = { ...silentLogger, warn: (_: string, fields?: object) => warnings.push(fields) };
  const database = marketDatabase();
  const position = new VenuePosition(database);
  const venue = new ScriptedVenue();
  venue.play(snapshot(['buy', 99, 1]), trade);
  const first = follow({ venue, database });
  await first.until(1, 2);
  await first.stop();
  // As if the venue had lost an event: it goes on two later than asked.
  const lossy = Object.assign(new ScriptedVenue(), { venue: skipping(venue) });
  venue.play(trade, trade);
  const second = follow({ venue: lossy, database, log });
  const { error } = (await waitFor(() => warnings[0])) as { error: Error };
  assert.match(error.message, /event 1\/4 of the other venue does not follow 1\/2/);
  assert.deepEqual(position.current, { run: 1, sequence: 2 });
  assert.deepEqual(second.shown, []);
  await second.stop();
});

function skipping(venue: ScriptedVenue): ScriptedVenue['venue'] {
  return async function* ({ after } = {}, options) {
    if (after) yield* venue.venue({ after: { ...after, sequence: after.sequence + 1 } }, options);
  };
}

test('events of a market that is not listed yet wait until it is', async () => {
  const venue = new ScriptedVenue();
  venue.play(snapshot(['buy', 99, 1]));
  let listed = false;
  const follower = follow({ venue, listed: () => listed });
  await waitFor(() => venue.asked.length > 1);
  assert.equal(follower.position.current, undefined);
  listed = true;
  await follower.until(1, 1);
  assert.equal(follower.shown.length, 1);
  await follower.stop();
});
