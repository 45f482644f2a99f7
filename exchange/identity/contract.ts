/** The contract of `identity`: accounts, and the tokens by which the gateway knows them. */

import { AccountId, Amount } from '@exchange/reference';
import { Balance } from '@exchange/risk';
import { contract, failure, operation } from 'flotilla';
import { z } from 'zod';

export const Identity = contract(
  'identity',
  {
    createDemoAccount: operation({
      summary: 'Open a funded demo account',
      output: z.object({ account: AccountId, token: z.string(), balances: z.array(Balance) }),
      errors: {
        demo_accounts_disabled: failure({
          status: 403,
          data: z.object({}),
          summary: 'This fleet does not give demo accounts',
        }),
      },
      access: 'public',
      http: { route: 'POST /v1/demo/accounts', status: 201 },
    }),
    open: operation({
      summary: 'Open an account for a participant of the fleet, once per name',
      input: z.object({ name: AccountId, funding: z.array(Amount) }),
      output: z.object({ account: AccountId }),
      idempotent: true,
    }),
    keys: operation({
      summary: 'Public keys that verify tokens (JWK set, RFC 7517)',
      output: z.object({ keys: z.array(z.record(z.string(), z.unknown())) }),
      idempotent: true,
    }),
  },
  { summary: 'Accounts and tokens' },
);
