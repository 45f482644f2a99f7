/** `market-data`: what everybody may see of the markets. */
import { service } from 'flotilla';
import { MarketData, type MarketEvent } from './contract.ts';
import { Markets, uses } from './markets.ts';
import { presentBook, presentCandle, presentSnapshot, presentTrade, presentUpdate } from './presentation.ts';

const minutesOf = { '1m': 1, '5m': 5, '15m': 15, '1h': 60, '1d': 1_440 } as const;

export default service(MarketData, {
  version: '0.1.0',
  uses,
  database: { migrations: new URL('./migrations/', import.meta.url) },
  async start({ database, clients, log, signal }) {
    const markets = new Markets({ database, clients, log, signal });
    await markets.ready;
    return markets;
  },
  operations: {
    async book({ symbol, depth }, { state, signal }) {
      const { market, units } = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      return presentBook(units, market.book(depth));
    },
    async trades({ symbol, limit }, { state, signal }) {
      const { units } = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      return state.store.trades(symbol, limit).map((trade) => presentTrade(units, trade));
    },
    async candles({ symbol, interval, limit }, { state, signal }) {
      const { units } = state.get(symbol);
      await state.engineLog.caughtUp({ signal });
      return state.store.candles(symbol, minutesOf[interval], limit).map((row) => presentCandle(units, row));
    },
    async *stream({ symbol, after }, { state, signal }): AsyncGenerator<MarketEvent> {
      const { market, units } = state.get(symbol);
      let from = after;
      if (from === undefined || !market.canResume(from)) {
        const view = market.book();
        from = view.sequence;
        yield presentSnapshot(units, view);
      }
      for await (const update of market.updatesAfter(from, signal)) yield presentUpdate(units, update);
    },
    audit(_input, { state }) {
      const books = state.all().map((market) => presentBook(state.get(market.symbol).units, market.book()));
      return { sequence: state.engineLog.applied, books };
    },
  },
  async stop(markets) {
    await markets.closed();
  },
});
