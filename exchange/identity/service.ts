/** `identity`: opens accounts and issues the tokens by which the gateway knows them. */
import { randomBytes } from 'node:crypto';
import { houseAccount } from '@exchange/ledger';
import type { Amount } from '@exchange/reference';
import { platformError, service } from 'flotilla';
import { z } from 'zod';
import { Accounts } from './accounts.ts';
import { Identity } from './contract.ts';
import { finishFunding, fund, uses } from './funding.ts';
import { Tokens } from './tokens.ts';

const demoFunding: readonly Amount[] = [
  { asset: 'USD', amount: '100000' },
  { asset: 'BTC', amount: '2' },
  { asset: 'ETH', amount: '20' },
  { asset: 'SOL', amount: '500' },
];

export default service(Identity, {
  version: '0.1.0',
  config: z.object({
    /** Whether anybody may open a funded demo account. */
    demoAccounts: z.boolean().default(false),
  }),
  uses,
  database: { migrations: new URL('./migrations/', import.meta.url) },
  async start({ database, clients, log, signal }) {
    const accounts = new Accounts(database);
    const tokens = await Tokens.open(database);
    const finishing = finishFunding({ accounts, clients, log, signal });
    return { accounts, tokens, finishing };
  },
  operations: {
    async createDemoAccount(_input, { state, config, clients }) {
      if (!config.demoAccounts)
        throw Identity.createDemoAccount.error(
          'demo_accounts_disabled',
          {},
          'this exchange gives no demo accounts',
        );
      const { accounts, tokens } = state;
      const account = await accounts.open(`demo-${randomBytes(10).toString('hex')}`, demoFunding);
      const balances = await fund(account, accounts, clients);
      return { account: account.id, token: await tokens.issue(account.id), balances };
    },
    async open({ name, funding }, { state, clients }) {
      if (name === houseAccount) {
        throw platformError('invalid_argument', `'${houseAccount}' is the house: choose another name`);
      }
      const account = await state.accounts.open(name, funding, name);
      if (!account.funded) await fund(account, state.accounts, clients);
      return { account: account.id };
    },
    keys: (_input, { state }) => ({ keys: [{ ...state.tokens.publicKey }] }),
  },
  stop: ({ finishing }) => finishing,
});
