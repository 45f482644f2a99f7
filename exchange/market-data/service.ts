/** `market-data`: what everybody may see of the markets. */
import { Feeds } from '@exchange/feeds';
import { Matching } from '@exchange/matching';
import { EngineLog, followed } from '@exchange/matching/engine-log';
import { Reference } from '@exchange/reference';
import { service } from 'flotilla';
import { MarketData } from './contract.ts';
import { Markets, uses } from './markets.ts';
import { presentCandle, presentTrade } from './presentation.ts';

/** How long the first start waits to know what can be traded. */
const firstCatalogueMs = 2_000;
const minutesOf = { '1m': 1, '5m': 5, '15m': 15, '1h': 60, '1d': 1_440 } as const;

export default service(MarketData, {
  version: '0.1.0',
  uses,
  database: { migrations: new URL('./migrations/', import.meta.url) },
  async start({ database, clients, progress, log, signal }) {
    const engineLog = new EngineLog({
      client: clients.Matching,
      progress: progress('market-data', Matching),
    });
    const markets = new Markets({ database, clients, engineLog, log, signal });
    await markets.waitUntilReady(firstCatalogueMs);
    return markets;
  },
  subscriptions: ({ subscribe }) => [
    subscribe(Matching.logged, { group: 'market-data', ...followed }, (entry, { state }) =>
      state.follow(entry),
    ),
    subscribe(Reference.changed, { group: 'market-data', transaction: true }, (catalogue, { state }) =>
      state.catalogue.follow(catalogue),
    ),
    subscribe(
      Feeds.played,
      { group: 'market-data', transaction: true, exhausted: 'wait' },
      (event, { state }) => state.venue.follow(event),
    ),
  ],
  operations: {
    async book({ symbol, depth }, { state, signal }) {
      const market = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      return market.book(depth);
    },
    async trades({ symbol, limit }, { state, signal }) {
      const { units } = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      return state.store.trades(symbol, limit).map((trade) => presentTrade(units, trade));
    },
    async candles({ symbol, interval, limit }, { state, signal }) {
      const { units } = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      const candles = state.store.candles.latest(symbol, minutesOf[interval], limit);
      return candles.map((candle) => presentCandle(units, candle));
    },
    stream({ symbol, after }, { state, signal }) {
      return state.get(symbol).stream(after, signal);
    },
    audit(_input, { state }) {
      return { sequence: state.engineLog.applied, books: state.all().map((market) => market.book()) };
    },
  },
  async stop(markets) {
    await markets.closed();
  },
});
