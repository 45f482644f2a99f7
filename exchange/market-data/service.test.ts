import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Feeds } from '@exchange/feeds';
import feeds from '@exchange/feeds/service';
import { recordingBytes, syntheticRecording } from '@exchange/feeds/testing';
import { Matching } from '@exchange/matching';
import { MatchingInMemory } from '@exchange/matching/testing';
import { type Instrument, Reference } from '@exchange/reference';
import realReference from '@exchange/reference/service';
import { ExchangeFleet } from '@exchange/reference/testing';
import { type Client, service } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { type Book, MarketData, type MarketEvent } from './contract.ts';
import marketData from './service.ts';
import { ScriptedFeeds } from './testing/scripted-feeds.ts';
import { venueSymbol } from './testing/scripted-venue.ts';

const symbol = 'BTC-USD';
const instrument = (name: string, quote: string, status: 'open' | 'external'): Instrument => ({
  symbol: name,
  base: 'BTC',
  quote,
  tickSize: '1',
  lotSize: '0.01',
  status,
  referencePrice: '100',
});

const catalogue = {
  version: 1,
  assets: { BTC: 8, USD: 6, USDT: 10 },
  instruments: [instrument(symbol, 'USD', 'open'), instrument(venueSymbol, 'USDT', 'external')],
};

const reference = service(Reference, {
  operations: {
    markets: () => [],
    catalogue: () => catalogue,
    list: () => catalogue,
  },
});

/** A market in which a trade happens with each order, near 100. */
class Trading {
  readonly matching = new MatchingInMemory([symbol]);
  #orders = 0;

  /** Puts `count` orders in, one after the other, of which some trade, some rest and some are cancelled. */
  run(count: number): void {
    for (let end = this.#orders + count; this.#orders < end; ) {
      const id = `order-${String(++this.#orders).padStart(6, '0')}`;
      const side = this.#orders % 3 === 0 ? 'buy' : 'sell';
      const price = 100 + ((this.#orders * 7) % 11) - (side === 'buy' ? 2 : 4);
      this.matching.submit(id, `account-${this.#orders % 5}`, {
        side,
        price,
        quantity: 1 + (this.#orders % 4),
      });
      if (this.#orders % 5 === 0) this.matching.cancel(id);
    }
  }

  /** What the engine published, by the symbol's own sequence. */
  get published() {
    return this.matching.log
      .flatMap(({ events }) => events)
      .filter((event) => event.kind === 'trade' || event.kind === 'book');
  }

  /** The book as the engine's events make it after `sequence`. */
  bookAt(sequence: number): Pick<Book, 'bids' | 'asks'> {
    const sides = { buy: new Map<number, number>(), sell: new Map<number, number>() };
    for (const event of this.published) {
      if (event.kind !== 'book' || event.sequence > sequence) continue;
      for (const { side, price, quantity } of event.changes) {
        if (quantity === 0) sides[side].delete(price);
        else sides[side].set(price, quantity);
      }
    }
    const levels = (side: Map<number, number>, direction: number) =>
      [...side]
        .sort(([one], [other]) => (one - other) * direction)
        .map(([price, quantity]): [string, string] => [`${price}`, (quantity / 100).toFixed(2)]);
    return { bids: levels(sides.buy, -1), asks: levels(sides.sell, 1) };
  }
}

/** What a client does with a stream: it checks that there is no gap, and folds the book. */
class Subscriber {
  readonly events: MarketEvent[] = [];
  readonly #sides = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  readonly #leave = new AbortController();
  readonly done: Promise<void>;
  #last: number | undefined;

  constructor(client: Client<typeof MarketData>, of = symbol, after?: number) {
    this.#last = after;
    this.done = this.#read(client, of, after);
  }

  get sequence(): number {
    return this.#last ?? -1;
  }

  get book(): Pick<Book, 'bids' | 'asks'> {
    const levels = (side: Map<string, string>, direction: number) =>
      [...side].sort(([one], [other]) => (Number(one) - Number(other)) * direction);
    return { bids: levels(this.#sides.bids, -1), asks: levels(this.#sides.asks, 1) };
  }

  async leave(): Promise<void> {
    this.#leave.abort();
    await this.done.catch(() => {});
  }

  async #read(client: Client<typeof MarketData>, of: string, after: number | undefined): Promise<void> {
    const input = after === undefined ? { symbol: of } : { symbol: of, after };
    for await (const event of client.stream(input, { signal: this.#leave.signal })) this.#take(event);
  }

  #take(event: MarketEvent): void {
    this.events.push(event);
    if (event.type === 'snapshot') {
      for (const side of ['bids', 'asks'] as const) this.#sides[side] = new Map(event[side]);
    } else {
      if (this.#last !== undefined) assert.equal(event.sequence, this.#last + 1, 'a gap in the stream');
      if (event.type === 'book') {
        for (const side of ['bids', 'asks'] as const) {
          for (const [price, quantity] of event[side]) {
            if (Number(quantity) === 0) this.#sides[side].delete(price);
            else this.#sides[side].set(price, quantity);
          }
        }
      }
    }
    this.#last = event.sequence;
  }
}

interface World {
  readonly fleet: ExchangeFleet;
  readonly trading: Trading;
  readonly venue: ScriptedFeeds;
  readonly client: Client<typeof MarketData>;
  /** Resolves once market-data has everything that the engine published. */
  caughtUp(): Promise<void>;
}

function inFleet(story: (world: World) => Promise<void>): () => Promise<void> {
  return async () => {
    const fleet = await ExchangeFleet.open();
    const trading = new Trading();
    const venue = new ScriptedFeeds();
    await fleet.start(reference, trading.matching.service, venue.service, marketData);
    const client = fleet.client(MarketData);
    const caughtUp = async () => {
      await waitFor(async () => (await client.audit()).sequence === trading.matching.log.length);
    };
    try {
      await story({ fleet, trading, venue, client, caughtUp });
    } finally {
      await fleet.stop();
    }
  };
}

describe('streams', () => {
  test(
    'a stream is one snapshot and then every change, and adds up to the book at any sequence',
    inFleet(async ({ trading, client, caughtUp }) => {
      trading.run(40);
      await caughtUp();
      const subscriber = new Subscriber(client);
      await waitFor(() => subscriber.events.length === 1);
      const [snapshot] = subscriber.events;
      assert.equal(snapshot!.type, 'snapshot');
      for (let round = 0; round < 5; round++) {
        trading.run(37);
        const last = trading.published.at(-1)!.sequence;
        await waitFor(() => subscriber.sequence === last);
        assert.deepEqual(subscriber.book, trading.bookAt(last));
        const { bids, asks, sequence } = await client.book({ symbol, depth: 1000 });
        assert.deepEqual({ bids, asks, sequence }, { ...subscriber.book, sequence: last });
      }
      assert.equal(subscriber.events.filter(({ type }) => type === 'snapshot').length, 1);
      assert.deepEqual(
        subscriber.events.filter(({ type }) => type === 'trade').length,
        trading.published.filter((event) => event.kind === 'trade' && event.sequence > snapshot!.sequence)
          .length,
      );
      await subscriber.leave();
    }),
  );

  test(
    'a subscriber resumes after its last event without a snapshot, and with one where that is long ago',
    inFleet(async ({ fleet, trading, client, caughtUp }) => {
      trading.run(30);
      await caughtUp();
      const first = new Subscriber(client);
      await waitFor(() => first.events.length === 1);
      await first.leave();
      trading.run(30);
      const last = trading.published.at(-1)!.sequence;
      const again = new Subscriber(client, symbol, first.sequence);
      await waitFor(() => again.sequence === last);
      assert.equal(again.events[0]!.sequence, first.sequence + 1);
      assert.ok(again.events.every(({ type }) => type !== 'snapshot'));
      await again.leave();

      // A restart keeps books, but no updates: only who has everything can go on without a snapshot.
      await fleet.kill(MarketData);
      await fleet.start(marketData);
      const behind = new Subscriber(client, symbol, last - 1);
      const level = new Subscriber(client, symbol, last);
      trading.run(10);
      const next = trading.published.at(-1)!.sequence;
      await waitFor(() => behind.sequence === next && level.sequence === next);
      assert.equal(behind.events[0]!.type, 'snapshot');
      assert.deepEqual(behind.book, trading.bookAt(next));
      assert.equal(level.events[0]!.sequence, last + 1);
      await Promise.all([behind.leave(), level.leave()]);
    }),
  );

  test(
    'an unknown symbol is not found, in a stream as in any other call',
    inFleet(async ({ client }) => {
      const unknown = { symbol: 'DOGE-USD' };
      const refusal = {
        code: 'not_found',
        message: /there is no market 'DOGE-USD': GET \/v1\/markets lists them/,
      };
      await assert.rejects(client.book(unknown), refusal);
      await assert.rejects(client.trades(unknown), refusal);
      await assert.rejects(client.candles(unknown), refusal);
      await assert.rejects(client.stream(unknown).next(), refusal);
    }),
  );
});

describe('restarts', () => {
  test(
    'a market-data that is killed again and again loses and doubles nothing',
    inFleet(async ({ fleet, trading, client, caughtUp }) => {
      for (let round = 0; round < 5; round++) {
        trading.run(60);
        if (round % 2 === 0) await waitFor(async () => (await client.audit()).sequence > 0);
        await fleet.kill(MarketData);
        trading.run(20);
        await fleet.start(marketData);
      }
      await caughtUp();
      const { published } = trading;
      const last = published.at(-1)!.sequence;
      const { bids, asks, sequence } = await client.book({ symbol, depth: 1000 });
      assert.deepEqual({ bids, asks, sequence }, { ...trading.bookAt(last), sequence: last });
      const happened = published.filter((event) => event.kind === 'trade');
      const trades = await client.trades({ symbol, limit: 1000 });
      assert.deepEqual(
        trades.map(({ id }) => id),
        happened.map(({ id }) => id).reverse(),
      );
      assert.deepEqual(
        trades.map(({ id }) => id),
        trades.map((_, index) => trades.length - index),
      );
      const [candle, ...others] = await client.candles({ symbol, interval: '1d' });
      assert.deepEqual(others, []);
      assert.equal(candle!.trades, happened.length);
      const lots = happened.reduce((sum, { quantity }) => sum + quantity, 0);
      assert.equal(candle!.volume, (lots / 100).toFixed(2));
      assert.deepEqual([candle!.open, candle!.close], [`${happened[0]!.price}`, `${happened.at(-1)!.price}`]);
    }),
  );

  test(
    'while matching is away, what is known can be read',
    inFleet(async ({ fleet, trading, client, caughtUp }) => {
      trading.run(50);
      await caughtUp();
      const before = await client.book({ symbol });
      await fleet.kill(Matching);
      assert.deepEqual(await client.book({ symbol }), before);
      assert.ok((await client.trades({ symbol })).length > 0);
      await fleet.kill(MarketData);
      await fleet.start(marketData);
      assert.deepEqual(await client.book({ symbol }), before);
      await fleet.start(trading.matching.service);
      trading.run(10);
      await caughtUp();
      assert.equal((await client.book({ symbol })).sequence, trading.published.at(-1)!.sequence);
    }),
  );

  test(
    'market-data starts and answers while reference is away, once it has known the markets',
    inFleet(async ({ fleet, trading, client, caughtUp }) => {
      trading.run(20);
      await caughtUp();
      await fleet.kill(MarketData);
      await fleet.kill(Reference);
      await fleet.start(marketData);
      assert.deepEqual((await client.book({ symbol, depth: 1000 })).bids, trading.bookAt(1e9).bids);
    }),
  );
});

test('a read contains what was acknowledged before it', async () => {
  const fleet = await ExchangeFleet.open();
  const matching = new MatchingInMemory([symbol], { holdUntilAsked: true });
  await fleet.start(reference, matching.service, new ScriptedFeeds().service, marketData);
  const client = fleet.client(MarketData);
  matching.submit('maker-00001', 'alice', { side: 'sell', price: 105, quantity: 4 });
  assert.deepEqual((await client.book({ symbol })).asks, [['105', '0.04']]);
  matching.submit('taker-00001', 'bob', { side: 'buy', price: 105, quantity: 3 });
  assert.equal((await client.trades({ symbol })).length, 1);
  matching.submit('taker-00002', 'bob', { side: 'buy', price: 105, quantity: 1 });
  assert.equal((await client.candles({ symbol }))[0]!.trades, 2);
  await fleet.stop();
});

describe('the other venue', () => {
  test(
    'its market streams without a gap across a restart of feeds, a gap in the recording and a new run',
    inFleet(async ({ fleet, venue, client }) => {
      const subscriber = new Subscriber(client, venueSymbol);
      const until = (sequence: number) => waitFor(() => subscriber.sequence === sequence);
      venue.play({
        kind: 'snapshot',
        levels: [
          ['buy', 99, 1],
          ['sell', 101, 2],
        ],
      });
      venue.play({ kind: 'book', levels: [['buy', 100, 3]] }, { kind: 'trade', price: 101, quantity: 1 });
      await until(3);
      assert.deepEqual(subscriber.book, {
        bids: [
          ['100', '3.00'],
          ['99', '1.00'],
        ],
        asks: [['101', '2.00']],
      });

      await fleet.kill(Feeds);
      venue.play({ kind: 'book', levels: [['buy', 100, 0]] });
      await fleet.start(venue.service);
      await until(4);

      venue.play({ kind: 'gap' });
      await until(5);
      assert.deepEqual(subscriber.book, { bids: [], asks: [] });
      venue.play({ kind: 'snapshot', levels: [['buy', 98, 1]] });
      await until(6);

      await fleet.kill(Feeds);
      venue.newRun();
      venue.play({ kind: 'snapshot', levels: [['buy', 97, 1]] });
      await fleet.start(venue.service);
      await until(7);
      assert.deepEqual(subscriber.book, { bids: [['97', '1.00']], asks: [] });
      assert.deepEqual(await client.trades({ symbol: venueSymbol }), []);
      assert.equal(subscriber.events.filter(({ type }) => type === 'snapshot').length, 1);
      await subscriber.leave();

      await fleet.kill(MarketData);
      venue.play({ kind: 'book', levels: [['buy', 96, 2]] });
      await fleet.start(marketData);
      const again = new Subscriber(client, venueSymbol);
      await waitFor(() => again.sequence === 8);
      assert.equal(again.book.bids.length, 2);
      await again.leave();
    }),
  );

  test('every trade of a recording arrives once, whatever is killed meanwhile', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'market-data-'));
    const file = join(folder, 'recording.gz');
    const { lines } = syntheticRecording({ seed: 8, diffs: 5_000, lost: new Set([50]), snapshotTaken: 70 });
    writeFileSync(file, recordingBytes(lines));
    const fleet = await ExchangeFleet.open({
      environment: { EXCHANGE_FEED: file, EXCHANGE_FEED_SPEED: '10', EXCHANGE_PARTICIPANTS: 'false' },
    });
    try {
      await fleet.start(realReference, new Trading().matching.service, feeds, marketData);
      const client = fleet.client(MarketData);
      const tradesOf = () => client.trades({ symbol: venueSymbol, limit: 1000 });
      for (const [killed, again] of [
        [Feeds, feeds],
        [MarketData, marketData],
        [Feeds, feeds],
        [MarketData, marketData],
      ] as const) {
        const before = await tradesOf();
        await waitFor(async () => (await tradesOf()).length > before.length + 10);
        await fleet.kill(killed);
        await fleet.start(again);
      }
      const { length: before } = await tradesOf();
      const trades = await waitFor(async () => {
        const found = await tradesOf();
        return found.length > before + 10 && found;
      });
      assert.deepEqual(
        trades.map(({ id }) => id),
        trades.map((_, index) => trades.length - index),
      );
    } finally {
      await fleet.stop();
      rmSync(folder, { recursive: true });
    }
  });
});
