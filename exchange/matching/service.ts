/**
 * `matching`: the order books. It is the only writer of its journal, and acknowledges nothing that is not in it. It
 * starts and trades from its journal alone; only new markets need reference.
 */
import { Reference } from '@exchange/reference';
import { KeptCatalogue } from '@exchange/reference/kept-catalogue';
import { platformError, service } from 'flotilla';
import { z } from 'zod';
import { abandon, submit } from './answers.ts';
import { Matching } from './contract.ts';
import { check, depth, stateHash } from './engine/index.ts';
import { logEntry } from './journal.ts';
import { LogRelay } from './log-relay.ts';
import { streamOfLog } from './log-stream.ts';
import { listMarkets } from './market-listing.ts';
import { orderView, publicStatus } from './order-view.ts';
import { Sequencer } from './sequencer.ts';

/** How long the first start waits for something to trade. */
const FIRST_CATALOGUE_MS = 2_000;

export default service(Matching, {
  version: '0.1.0',
  config: z.object({
    /** Entries of the journal between two snapshots of the engine. */
    snapshotInterval: z.int().positive().default(10_000),
  }),
  uses: { Reference },
  database: { migrations: new URL('./migrations/', import.meta.url) },

  async start(runtime) {
    const { database, clients, config, log, signal, fatal } = runtime;
    const sequencer = new Sequencer({
      database,
      log,
      now: Date.now,
      onDurable: (entries) => relay.offer(entries.map(logEntry)),
      onFatal: fatal,
      snapshotInterval: config.snapshotInterval,
    });
    const relay = new LogRelay({
      page: (after) => sequencer.journal.page(after).map(logEntry),
      head: sequencer.durableHead,
      stream: streamOfLog(runtime),
      log,
      onForeign: fatal,
    });
    const catalogue = new KeptCatalogue({
      client: clients.Reference,
      database,
      onChange: (next) => listMarkets(next, sequencer),
      log,
      signal,
    });
    if (catalogue.current) listMarkets(catalogue.current, sequencer);
    await catalogue.waitUntilReady(FIRST_CATALOGUE_MS);
    return { sequencer, catalogue, relay };
  },

  // Who begins to follow the log needs it from its first entry.
  events: { keep: 'forever' },
  subscriptions: ({ subscribe }) => [
    subscribe(Reference.changed, { group: 'matching', transaction: true }, (catalogue, { state }) =>
      state.catalogue.follow(catalogue),
    ),
  ],

  operations: {
    submit: ({ order }, { state: { sequencer } }) => submit(sequencer, order),

    async cancel({ id }, ctx) {
      const { sequencer, catalogue } = ctx.state;
      const symbol = sequencer.records.get(id)?.symbol;
      const units = symbol === undefined ? undefined : catalogue.get(symbol)?.units;
      if (symbol !== undefined && units === undefined) {
        throw platformError(
          'unavailable',
          `the sizes of ${symbol} are not known yet: try again when reference runs`,
        );
      }
      const { kind } = sequencer.cancel(id, ctx.user?.subject);
      const order = sequencer.records.get(id);
      await sequencer.durable();
      if (order === undefined || units === undefined || kind === 'not_found' || kind === 'not_owner') {
        throw platformError('not_found', `there is no order ${id}`);
      }
      if (kind === 'not_open') {
        const status = publicStatus(order);
        if (status !== 'cancelled') {
          throw Matching.cancel.error(
            'order_closed',
            { status },
            `the order is ${status}: nothing is left of it to cancel`,
          );
        }
        ctx.replayed();
      }
      return orderView(order, units);
    },

    abandon: ({ id }, { state: { sequencer } }) => abandon(sequencer, id),

    async order({ id }, { state: { sequencer } }) {
      const order = sequencer.records.get(id) ?? null;
      await sequencer.durable();
      return order;
    },

    head(_input, { state: { sequencer } }) {
      return { sequence: sequencer.durableHead };
    },

    async audit(_input, { state: { sequencer } }) {
      const { state, head: sequence, records } = sequencer;
      const books = Array.from(state.markets.keys(), (symbol) => depth(state, symbol)!);
      const answer = {
        sequence,
        stateHash: stateHash(state),
        violations: check(state),
        orders: records.open(),
        depth: books.map(({ symbol, sequence, bids, asks }) => ({
          symbol,
          sequence,
          bids: bids.map(([price, quantity]): [number, number] => [price, quantity]),
          asks: asks.map(([price, quantity]): [number, number] => [price, quantity]),
        })),
      };
      await sequencer.durable();
      return answer;
    },
  },

  async stop({ sequencer, relay }) {
    await sequencer.close();
    await relay.close();
  },
});
