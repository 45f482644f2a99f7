import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VenueEvent } from '@exchange/feeds';
import { instrumentUnits } from '@exchange/reference/units';
import fc from 'fast-check';
import { type Database, platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { Market } from './market.ts';
import { MarketStore } from './market-store.ts';
import type { LevelChange, MarketUpdate } from './market-update.ts';
import { marketDatabase } from './testing/market-database.ts';
import { ScriptedVenue, type VenueStep, venueSymbol } from './testing/scripted-venue.ts';
import { VenueFeed } from './venue-feed.ts';

const units = instrumentUnits(
  { symbol: venueSymbol, base: 'BTC', quote: 'USDT', tickSize: '1', lotSize: '1' },
  { BTC: 8, USDT: 10 },
);

interface FeedOptions {
  readonly database?: Database;
  readonly listed?: () => boolean;
  /** What feeds says that the market is now. */
  readonly present?: () => VenueEvent | null;
}

/** What market-data does with the other venue, and nothing else. */
function feed({ database = marketDatabase(), listed = () => true, present = away }: FeedOptions = {}) {
  const store = new MarketStore(database);
  const market = store.load()[0] ?? new Market(venueSymbol);
  const shown: MarketUpdate[] = [];
  const venue = new VenueFeed({
    client: { venue: async () => present() },
    database,
    store,
    units: () => (listed() ? units : undefined),
    show(update) {
      market.apply(update);
      shown.push(update);
      assert.deepEqual(
        store.load()[0]!.book().sequence >= update.sequence,
        true,
        'shown before it was stored',
      );
    },
    log: silentLogger,
  });
  const take = (event: VenueEvent) => database.write(() => venue.follow(event));
  return {
    store,
    market,
    shown,
    database,
    venue,
    take,
    takeAll: (events: readonly VenueEvent[]) => Promise.all(events.map(take)),
    /** Gives it the event again until it is taken. */
    insist: (event: VenueEvent) => waitFor(() => take(event).then(() => true)),
    sequences: () => shown.map(({ sequence }) => sequence),
  };
}

function away(): never {
  throw platformError('unavailable', 'feeds is unavailable');
}

type Levels = Extract<VenueStep, { levels: unknown }>['levels'];
const snapshot = (...levels: Levels): VenueStep => ({ kind: 'snapshot', levels });
const book = (...levels: Levels): VenueStep => ({ kind: 'book', levels });
const trade: VenueStep = { kind: 'trade', price: 100, quantity: 2 };
const gap: VenueStep = { kind: 'gap' };

test('the book follows snapshot, changes, gap and the snapshot after that', async () => {
  const venue = new ScriptedVenue();
  const { takeAll, market } = feed();
  await takeAll(venue.play(snapshot(['buy', 99, 1], ['sell', 101, 1]), book(['buy', 100, 2]), trade));
  assert.deepEqual(market.book(), {
    sequence: 3,
    bids: [
      [100, 2],
      [99, 1],
    ],
    asks: [[101, 1]],
  });
  await takeAll(venue.play(gap));
  assert.deepEqual(market.book(), { sequence: 4, bids: [], asks: [] });
  await takeAll(venue.play(trade, snapshot(['buy', 98, 3])));
  assert.deepEqual(market.book(), { sequence: 6, bids: [[98, 3]], asks: [] });
});

test('whatever is given again, every event counts once, the public sequence has no gap, and the disk has it all', async () => {
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
  const pieces = fc.array(fc.record({ count: fc.nat({ max: 12 }), again: fc.nat({ max: 4 }) }), {
    maxLength: 4,
  });
  await fc.assert(
    fc.asyncProperty(steps, pieces, async (script, cuts) => {
      const events = new ScriptedVenue().play(snapshot(['buy', 3, 1]), ...script);
      const { takeAll, market, sequences, store } = feed();
      let taken = 0;
      for (const { count, again } of [...cuts, { count: events.length, again: 3 }]) {
        await takeAll(events.slice(Math.max(0, taken - again), taken + count));
        taken += count;
      }
      const expected = new Map([['buy3', 1]]);
      for (const one of script) {
        if (one.kind === 'gap' || one.kind === 'snapshot') expected.clear();
        if (!('levels' in one)) continue;
        for (const [side, price, quantity] of one.levels) {
          if (quantity === 0) expected.delete(`${side}${price}`);
          else expected.set(`${side}${price}`, quantity);
        }
      }
      const { bids, asks } = market.book();
      const seen = new Map([
        ...bids.map(([price, quantity]) => [`buy${price}`, quantity] as const),
        ...asks.map(([price, quantity]) => [`sell${price}`, quantity] as const),
      ]);
      assert.deepEqual(new Map([...seen].sort()), new Map([...expected].sort()));
      assert.deepEqual(
        sequences(),
        sequences().map((_, index) => index + 1),
      );
      assert.equal(
        store.trades(venueSymbol, 100).length,
        script.filter(({ kind }) => kind === 'trade').length,
      );
      assert.deepEqual(store.load()[0]!.book(), market.book());
    }),
    { numRuns: 30 },
  );
});

test('it goes on after the last stored event, also after a restart', async () => {
  const venue = new ScriptedVenue();
  const events = venue.play(snapshot(['buy', 99, 1]), trade, trade, book(['buy', 99, 5]));
  const before = feed();
  await before.takeAll(events.slice(0, 3));
  const after = feed({ database: before.database });
  await after.takeAll(events.slice(1));
  assert.deepEqual(after.sequences(), [4]);
  assert.deepEqual(after.market.book().bids, [[99, 5]]);
});

test('a new run replaces the book by a difference and forgets the trades of the old one; the sequence goes on', async () => {
  const venue = new ScriptedVenue();
  const { takeAll, shown, store } = feed();
  const old = venue.play(snapshot(['buy', 99, 1], ['buy', 98, 1]), trade, trade);
  await takeAll(old);
  venue.newRun();
  await takeAll(venue.play(snapshot(['buy', 99, 1], ['buy', 97, 1]), trade));
  await takeAll(old);
  const changes: LevelChange[] = [
    { side: 'buy', price: 97, quantity: 1 },
    { side: 'buy', price: 98, quantity: 0 },
  ];
  const { time } = shown[0]!;
  assert.deepEqual(shown[3], { kind: 'book', symbol: venueSymbol, sequence: 4, time, changes });
  assert.equal(shown[4]!.sequence, 5);
  assert.equal(shown.length, 5);
  assert.deepEqual(
    store.trades(venueSymbol, 10).map(({ sequence }) => sequence),
    [5],
  );
  assert.equal(store.candles.latest(venueSymbol, 1, 10)[0]!.trades, 1);
});

test('where events are missing, the market as it is takes their place, and what is in it is not taken again', async () => {
  const venue = new ScriptedVenue();
  let present: VenueEvent | undefined;
  const { takeAll, insist, market, shown } = feed({ present: () => present ?? away() });
  const events = venue.play(
    ...[snapshot(['buy', 99, 1]), book(['buy', 98, 1]), trade, book(['buy', 97, 1]), book(['buy', 96, 1])],
  );
  await takeAll(events.slice(0, 1));
  await assert.rejects(takeAll(events.slice(2, 3)), {
    code: 'unavailable',
    message: /before 1\/3 are missing/,
  });
  assert.deepEqual(market.book().bids, [[99, 1]]);
  const whole = venue.play(snapshot(['buy', 98, 1], ['buy', 97, 1], ['buy', 96, 1]))[0]!;
  present = { ...whole, sequence: 5 };
  for (const event of events.slice(2)) await insist(event);
  assert.deepEqual(market.book().bids, [
    [98, 1],
    [97, 1],
    [96, 1],
  ]);
  assert.deepEqual(
    shown.map(({ kind }) => kind),
    ['book', 'book'],
  );
  await insist({ ...whole, sequence: 6, kind: 'gap' });
});

test('where events are missing and nothing is played any more, the book is unknown', async () => {
  const venue = new ScriptedVenue();
  const { takeAll, insist, market } = feed({ present: () => null });
  const [first, , third, fourth] = venue.play(
    snapshot(['buy', 99, 1]),
    trade,
    trade,
    snapshot(['buy', 98, 1]),
  );
  await takeAll([first!]);
  await insist(third!);
  assert.deepEqual(market.book(), { sequence: 2, bids: [], asks: [] });
  await takeAll([fourth!]);
  assert.deepEqual(market.book().bids, [[98, 1]]);
});

test('events of a market that is not listed yet wait until it is', async () => {
  let listed = false;
  const { takeAll, shown } = feed({ listed: () => listed });
  const events = new ScriptedVenue().play(snapshot(['buy', 99, 1]));
  await assert.rejects(takeAll(events), { code: 'unavailable' });
  listed = true;
  await takeAll(events);
  assert.equal(shown.length, 1);
});
