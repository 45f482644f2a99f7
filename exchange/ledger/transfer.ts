/**
 * Transfers in double entry: a list of entries that sum to zero for every asset. Money enters through deposits, which
 * come out of the house account (its balance is what all others together have been given, negated), and changes hands
 * in trades.
 */
import type { EngineEvent } from '@exchange/matching';
import { type InstrumentUnits, lotsToBase, notional } from '@exchange/reference/units';
import { houseAccount } from './contract.ts';

export interface Entry {
  readonly account: string;
  readonly asset: string;
  /** Minor units of the asset; negative where it leaves the account. */
  readonly amount: bigint;
}

export interface Transfer {
  /** Unique for ever: booked once, however often it is asked for. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
  readonly entries: readonly Entry[];
}

export type Trade = Extract<EngineEvent, { kind: 'trade' }>;

/** A deposit from the house. `id` is the caller's; ids of deposits and of trades never meet. */
export function deposit(
  id: string,
  account: string,
  amounts: readonly { readonly asset: string; readonly amount: bigint }[],
  time: number,
): Transfer {
  const entries = amounts
    .filter(({ amount }) => amount !== 0n)
    .flatMap(({ asset, amount }) => [
      { account: houseAccount, asset, amount: -amount },
      { account, asset, amount },
    ]);
  return { id: `deposit:${id}`, time, entries };
}

/** A trade of the engine: the buyer pays quote and gets base, the seller the reverse. */
export function tradeTransfer(trade: Trade, units: InstrumentUnits): Transfer {
  const { symbol, id, time, price, quantity, aggressor, makerAccount, takerAccount } = trade;
  const [buyer, seller] = aggressor === 'buy' ? [takerAccount, makerAccount] : [makerAccount, takerAccount];
  const { base, quote } = units;
  const bought = lotsToBase(units, quantity);
  const paid = notional(units, price, quantity);
  return {
    id: `trade:${symbol}:${id}`,
    time,
    entries: [
      { account: buyer, asset: quote, amount: -paid },
      { account: buyer, asset: base, amount: bought },
      { account: seller, asset: quote, amount: paid },
      { account: seller, asset: base, amount: -bought },
    ],
  };
}

/** An asset whose entries do not sum to zero. */
export function unbalancedAsset(entries: readonly Entry[]): string | undefined {
  const sums = new Map<string, bigint>();
  for (const { asset, amount } of entries) sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  for (const [asset, sum] of sums) if (sum !== 0n) return asset;
  return undefined;
}

/** Whether two lists of entries book the same. */
export function sameEntries(left: readonly Entry[], right: readonly Entry[]): boolean {
  return (
    left.length === right.length &&
    left.every((entry, index) => {
      const other = right[index]!;
      return entry.account === other.account && entry.asset === other.asset && entry.amount === other.amount;
    })
  );
}
