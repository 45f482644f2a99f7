/** The contract of `ledger`: the book of record, in double entry. */
import { AccountId, Amount, Asset, SignedDecimal } from '@exchange/reference';
import { contract, operation } from 'flotilla';
import { z } from 'zod';

/** The account that deposits come from. Nobody owns it and nobody can open it. */
export const houseAccount = 'house';

export const Ledger = contract(
  'ledger',
  {
    fund: operation({
      summary: 'Book a deposit from the house, once per transfer',
      input: z.object({ transfer: z.string().min(1).max(128), account: AccountId, amounts: z.array(Amount) }),
      output: z.object({ transfer: z.string() }),
      idempotent: true,
    }),
    audit: operation({
      summary: 'What the auditor compares, at one sequence of the engine log',
      priority: 'background',
      input: z.object({
        /** Verify from the first transfer on, also what this process has verified before. */
        full: z.boolean().default(false),
      }),
      output: z.object({
        sequence: z.int().nonnegative(),
        /** Sum over all accounts, the house included: zero for every asset. */
        totals: z.array(z.object({ asset: Asset, amount: SignedDecimal })),
        accounts: z.array(
          z.object({
            account: AccountId,
            balances: z.array(z.object({ asset: Asset, amount: SignedDecimal })),
          }),
        ),
        transfers: z.int().nonnegative(),
        /** Head of the hash chain over all transfers. */
        head: z.string(),
        /** Whether the chain and the balances, recomputed from the entries, are what is stored. */
        intact: z.boolean(),
        /** The first transfer that was recomputed; those before it were found intact since the service started. */
        verifiedFrom: z.int().positive(),
        /** What is wrong, where it is not intact. */
        fault: z.string().optional(),
      }),
      idempotent: true,
    }),
  },
  { summary: 'Double-entry accounts: the book of record' },
);
