/**
 * `risk`: checks and pays for every order before the engine sees it, and knows what each account can spend. It follows
 * the engine's log for everything that becomes of an order, and answers while reference and matching are away as far as
 * that is possible.
 */
import { Matching } from '@exchange/matching';
import { Reference } from '@exchange/reference';
import { keepCatalogue } from '@exchange/reference/kept-catalogue';
import { platformError, service } from 'flotilla';
import { auditOf, balancesOf, fundingOf } from './account-view.ts';
import { Risk } from './contract.ts';
import { riskCore } from './risk-core.ts';

/** How long the first start waits to know what can be traded. */
const FIRST_CATALOGUE_MS = 2_000;

export default service(Risk, {
  version: '0.1.0',
  uses: { Matching, Reference },
  database: { migrations: new URL('./migrations/', import.meta.url) },

  async start({ database, clients, log, signal, fatal }) {
    const catalogue = keepCatalogue({ client: clients.Reference, database, log, signal });
    const engine = clients.Matching;
    const core = riskCore({ database, catalogue, engine, log, signal, onFatal: fatal });
    await catalogue.waitUntilReady(FIRST_CATALOGUE_MS);
    return { ...core, catalogue };
  },

  operations: {
    async place(input, ctx) {
      const { order, replayed } = await ctx.state.desk.place(accountOf(ctx.user), input, ctx.trace);
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
