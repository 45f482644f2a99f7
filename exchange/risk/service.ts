/**
 * `risk`: checks and pays for every order before the engine sees it, and knows what each account can spend. It follows
 * the engine's log for everything that becomes of an order, and answers while reference and matching are away as far as
 * that is possible.
 */
import { Matching } from '@exchange/matching';
import { followed } from '@exchange/matching/engine-log';
import { Reference } from '@exchange/reference';
import { KeptCatalogue } from '@exchange/reference/kept-catalogue';
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

  async start({ database, clients, progress, log, signal, fatal }) {
    const catalogue = new KeptCatalogue({ client: clients.Reference, database, log, signal });
    const core = riskCore({
      ...{ database, catalogue, engine: clients.Matching, log, signal, onFatal: fatal },
      progress: progress('risk', Matching),
    });
    await catalogue.waitUntilReady(FIRST_CATALOGUE_MS);
    return { ...core, catalogue };
  },

  subscriptions: ({ subscribe }) => [
    subscribe(Matching.logged, { group: 'risk', ...followed }, (entry, { state }) =>
      state.books.follow(entry),
    ),
    subscribe(Reference.changed, { group: 'risk', transaction: true }, (catalogue, { state }) =>
      state.catalogue.follow(catalogue),
    ),
  ],

  operations: {
    async place(input, ctx) {
      const { order, replayed } = await ctx.state.desk.place(accountOf(ctx.user), input, ctx.trace);
      if (replayed) ctx.replayed();
      return order;
    },

    async balances(_input, { state, user }) {
      const account = accountOf(user);
      const { books, catalogue, engineLog } = state;
      await engineLog.caughtUp();
      const balances = balancesOf(books, catalogue, account);
      await books.durable();
      return balances;
    },

    async fund({ transfer, account, amounts }, { state: { books, catalogue } }) {
      await books.fund(transfer, account, fundingOf(amounts, catalogue));
      return balancesOf(books, catalogue, account);
    },

    async audit(_input, { state: { books, catalogue, engineLog } }) {
      const answer = { sequence: engineLog.applied, ...auditOf(books, catalogue) };
      await books.durable();
      return answer;
    },
  },

  async stop({ books, resolver }) {
    await resolver.closed;
    await books.durable();
  },
});

function accountOf(user: { readonly subject: string } | undefined): string {
  if (user) return user.subject;
  throw platformError('unauthenticated', 'orders and balances belong to an account: call as an end user');
}
