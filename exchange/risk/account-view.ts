/** Risk's books in the words of its contract: decimal strings instead of minor units. */
import type { Amount } from '@exchange/reference';
import type { KnownCatalogue } from '@exchange/reference/known-catalogue';
import { formatTrimmed, parseDecimal, UnitsError } from '@exchange/reference/units';
import { invalidArgument, type OutputOf, platformError, type ValidationIssue } from 'flotilla';
import type { Books } from './books.ts';
import type { Balance, Risk } from './contract.ts';

type Assets = Pick<KnownCatalogue, 'decimals' | 'current'>;
type Audit = Omit<OutputOf<typeof Risk.audit.output>, 'sequence'>;

export function balancesOf(books: Books, assets: Assets, account: string): Balance[] {
  return books.balances.of(account).map(({ asset, available, held }) => ({
    asset,
    // A debt can only come from orders that were not placed here; nothing of it can be spent.
    available: formatTrimmed(available < 0n ? 0n : available, decimals(assets, asset)),
    held: formatTrimmed(held, decimals(assets, asset)),
  }));
}

/** Everything at the same moment. */
export function auditOf(books: Books, assets: Assets): Audit {
  const holds: Audit['holds'] = [];
  const pending: string[] = [];
  for (const placed of books.orders.unfinished()) {
    const { id, account } = placed.order;
    const { asset, amount } = books.holdOf(placed);
    holds.push({ orderId: id, account, asset, amount: formatTrimmed(amount, decimals(assets, asset)) });
    if (placed.state === 'pending') pending.push(id);
  }
  const accounts = books.balances
    .accounts()
    .map((account) => ({ account, balances: balancesOf(books, assets, account) }));
  return { accounts, holds, pending };
}

/**
 * Amounts as minor units, by asset.
 *
 * @throws FlotillaError `invalid_argument` with an issue for every amount at fault; `unavailable` without a catalogue.
 */
export function fundingOf(amounts: readonly Amount[], assets: Assets): Map<string, bigint> {
  if (!assets.current) {
    throw platformError('unavailable', 'the assets are not known yet: try again when reference runs');
  }
  const issues: ValidationIssue[] = [];
  const funding = new Map<string, bigint>();
  for (const [index, { asset, amount }] of amounts.entries()) {
    const digits = assets.decimals(asset);
    if (digits === undefined) {
      issues.push({ path: ['amounts', index, 'asset'], message: `there is no asset ${asset}` });
      continue;
    }
    try {
      funding.set(asset, (funding.get(asset) ?? 0n) + parseDecimal(amount, digits));
    } catch (error) {
      if (!(error instanceof UnitsError)) throw error;
      issues.push({ path: ['amounts', index, 'amount'], message: error.message });
    }
  }
  if (issues.length > 0) throw invalidArgument(issues);
  return funding;
}

function decimals(assets: Assets, asset: string): number {
  const known = assets.decimals(asset);
  if (known !== undefined) return known;
  throw platformError(
    'unavailable',
    `the decimals of ${asset} are not known yet: try again when reference runs`,
  );
}
