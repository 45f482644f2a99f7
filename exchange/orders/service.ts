/** `orders`: what became of an account's orders, as the engine's log tells it. */
import { Matching, type Order } from '@exchange/matching';
import { EngineLog, followed } from '@exchange/matching/engine-log';
import { orderView, type ViewedOrder } from '@exchange/matching/order-view';
import { Reference } from '@exchange/reference';
import { KeptCatalogue } from '@exchange/reference/kept-catalogue';
import type { KnownCatalogue } from '@exchange/reference/known-catalogue';
import { type EndUser, platformError, service } from 'flotilla';
import { Orders } from './contract.ts';
import { project } from './order-projection.ts';
import { OrderRows } from './order-rows.ts';

export default service(Orders, {
  version: '0.1.0',
  uses: { Matching, Reference },
  database: { migrations: new URL('./migrations/', import.meta.url) },
  start({ database, clients, progress, log, signal }) {
    const catalogue = new KeptCatalogue({ client: clients.Reference, database, log, signal });
    const rows = new OrderRows(database);
    const engineLog = new EngineLog({
      client: clients.Matching,
      progress: progress('orders', Matching),
    });
    return { catalogue, rows, engineLog };
  },
  subscriptions: ({ subscribe }) => [
    subscribe(Matching.logged, { group: 'orders', ...followed }, (entry, { state }) =>
      project(entry, state.rows),
    ),
    subscribe(Reference.changed, { group: 'orders', transaction: true }, (catalogue, { state }) =>
      state.catalogue.follow(catalogue),
    ),
  ],
  operations: {
    async get({ id }, { state, user, signal }) {
      const account = accountOf(user);
      const current = await state.engineLog.caughtUp({ signal });
      const order = state.rows.find(account, id);
      if (order) return shown(order, state.catalogue);
      if (current) throw platformError('not_found', `there is no order '${id}' of this account`);
      throw platformError(
        'unavailable',
        `whether there is an order '${id}' is not known before matching has told what happened last`,
        { retryAfterMs: 1_000 },
      );
    },
    async list({ status, symbol, limit }, { state, user, signal }) {
      const account = accountOf(user);
      await state.engineLog.caughtUp({ signal });
      return state.rows
        .list({ account, status, symbol, limit })
        .map((order) => shown(order, state.catalogue));
    },
    async audit(_input, { state, signal }) {
      await state.engineLog.caughtUp({ signal });
      const { engineLog, rows } = state;
      return { sequence: engineLog.applied, open: rows.openIds(), total: rows.count() };
    },
  },
  async stop({ catalogue }) {
    await catalogue.closed;
  },
});

/** The end user is the account. */
function accountOf(user: EndUser | undefined): string {
  if (user) return user.subject;
  throw platformError('unauthenticated', 'orders are read by their owner: the call carries no end user');
}

function shown(order: ViewedOrder, catalogue: KnownCatalogue): Order {
  const instrument = catalogue.get(order.symbol);
  if (instrument) return orderView(order, instrument.units);
  throw platformError(
    'unavailable',
    `orders in ${order.symbol} cannot be shown before reference says what its ticks and lots are`,
    { retryAfterMs: 1_000 },
  );
}
