/**
 * `risk`: checks and pays for every order before the engine sees it, and knows what each account can spend. It follows
 * the engine's log for everything that becomes of an order, and answers while reference and matching are away as far as
 * that is possible.
 */
import { Matching } from '@exchange/matching';
import { followLog } from '@exchange/matching/follow';
import { Reference } from '@exchange/reference';
import { keepCatalogue } from '@exchange/reference/kept-catalogue';
import { platformError, service } from 'flotilla';
import { auditOf, balancesOf, fundingOf } from './account-view.ts';
import { Books } from './books.ts';
import { Risk } from './contract.ts';
import { OrderDesk } from './desk.ts';
import { orderIds } from './order-id.ts';
import { Resolver } from './resolver.ts';

/** How long the first start waits to know what can be traded. */
const FIRST_CATALOGUE_MS = 2_000;

export default service(Risk, {
  version: '0.1.0',
  uses: { Matching, Reference },
  database: { migrations: new URL('./migrations/', import.meta.url) },

  async start({ database, clients, log, signal, fatal }) {
    const catalogue = keepCatalogue({ client: clients.Reference, database, log, signal });
    const books = new Books({
      database,
      units: (symbol) => catalogue.get(symbol)?.units,
      log,
      onFatal: fatal,
    });
    const follower = followLog({
      client: clients.Matching,
      after: books.sequence,
      apply: (entry) => books.follow(entry),
      log,
      signal,
    });
    const desk = new OrderDesk({
      books,
      catalogue,
      follower,
      engine: clients.Matching,
      nextId: orderIds({ now: Date.now }),
      onUncertain: () => resolver.wake(),
    });
    const resolver = new Resolver({
      *open() {
        for (const placed of books.orders.unfinished()) {
          if (placed.uncertain && !desk.isAsking(placed.order.id)) yield placed;
        }
      },
      settle: (placed) => desk.settle(placed),
      log,
      signal,
    });
    await catalogue.waitUntilReady(FIRST_CATALOGUE_MS);
    return { books, catalogue, follower, desk, resolver };
  },

  operations: {
    async place(input, ctx) {
      const { order, replayed } = await ctx.state.desk.place(accountOf(ctx.user), input, ctx.traceparent);
      if (replayed) ctx.replayed();
      return order;
    },

    async balances(_input, { state, user }) {
      const account = accountOf(user);
      const { books, catalogue, follower } = state;
      await follower.caughtUp();
      const balances = balancesOf(books, catalogue, account);
      await books.durable();
      return balances;
    },

    async fund({ transfer, account, amounts }, { state: { books, catalogue } }) {
      await books.fund(transfer, account, fundingOf(amounts, catalogue));
      return balancesOf(books, catalogue, account);
    },

    async audit(_input, { state: { books, catalogue } }) {
      const answer = auditOf(books, catalogue);
      await books.durable();
      return answer;
    },
  },

  async stop({ books, follower, resolver }) {
    await Promise.all([follower.closed, resolver.closed]);
    await books.durable();
  },
});

function accountOf(user: { readonly subject: string } | undefined): string {
  if (user) return user.subject;
  throw platformError('unauthenticated', 'orders and balances belong to an account: call as an end user');
}
