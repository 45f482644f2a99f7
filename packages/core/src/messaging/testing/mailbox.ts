/** The contract that the cases of messaging speak, and what they keep of what they hear. */
import { z } from 'zod';
import { contract } from '../../contract/contract.ts';
import { event } from '../../contract/event.ts';

/** Events with a key, in few partitions. */
export const Ledger = contract(
  'ledger',
  {
    posted: event({ payload: z.object({ account: z.string(), n: z.int() }), key: 'account' }),
    closed: event({ payload: z.object({ account: z.string() }), key: 'account' }),
  },
  { partitions: 4 },
);

/** One log: everything in one order. */
export const Log = contract(
  'log',
  { entry: event({ payload: z.object({ n: z.int() }) }) },
  { partitions: 1 },
);

/** Work that anybody may do. */
export const Jobs = contract('jobs', { render: event({ payload: z.object({ n: z.int() }) }) });

export interface Posting {
  readonly account: string;
  readonly n: number;
}

/** Postings `1 … count`, over so many accounts. */
export function postings(count: number, accounts = 8): Posting[] {
  return Array.from({ length: count }, (_, at) => ({ account: `account-${at % accounts}`, n: at + 1 }));
}

/** Without what was heard before. */
export function firstOf(seen: readonly Posting[]): Posting[] {
  const known = new Set<number>();
  return seen.filter(({ n }) => !known.has(n) && known.add(n));
}

/** Whether the numbers of each account rise, without a repetition. */
export function inOrderOfKeys(seen: readonly Posting[]): boolean {
  const last = new Map<string, number>();
  for (const { account, n } of seen) {
    if (n <= (last.get(account) ?? 0)) return false;
    last.set(account, n);
  }
  return true;
}

export function numbers(seen: readonly { readonly n: number }[]): number[] {
  return seen.map(({ n }) => n);
}

export function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, at) => at + 1);
}
