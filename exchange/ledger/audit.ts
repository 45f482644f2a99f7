/** The audit: all balances at one sequence of the engine's log, and whether they follow from the journal. */
import type { EngineLog } from '@exchange/matching/engine-log';
import { formatFixed } from '@exchange/reference/units';
import { platformError } from 'flotilla';
import type { Units } from './bookkeeper.ts';
import type { Balance, Journal } from './journal.ts';
import type { Verification } from './verification.ts';

/** What the service keeps. */
export interface Books {
  readonly journal: Journal;
  readonly verification: Verification;
  readonly units: Units;
  readonly engineLog: Pick<EngineLog, 'applied'>;
}

/** An amount of one asset, as decimal text with all decimals of the asset. */
interface AssetAmount {
  readonly asset: string;
  readonly amount: string;
}

/**
 * Takes the audit at the present moment. What is booked while it runs belongs to the next one.
 *
 * @param options.full also verifies what this process has verified before
 */
export async function audit(
  { journal, engineLog, verification, units }: Books,
  options: { readonly full: boolean; readonly signal?: AbortSignal },
) {
  const take = () => ({
    sequence: engineLog.applied,
    head: journal.head(),
    balances: journal.balances(),
  });
  const { snapshot, verdict } = await verification.run(take, options);
  const { sequence, head, balances } = snapshot;
  const { from, fault } = verdict;
  return {
    sequence,
    totals: totals(balances).map(([asset, amount]) => written(units, asset, amount)),
    accounts: [...Map.groupBy(balances, ({ account }) => account)].map(([account, own]) => ({
      account,
      balances: own.map(({ asset, amount }) => written(units, asset, amount)),
    })),
    transfers: head.number,
    head: head.hash,
    intact: fault === undefined,
    verifiedFrom: from,
    ...(fault === undefined ? {} : { fault }),
  };
}

/** Sum of each asset over all accounts. */
function totals(balances: readonly Balance[]): [asset: string, amount: bigint][] {
  const sums = new Map<string, bigint>();
  for (const { asset, amount } of balances) sums.set(asset, (sums.get(asset) ?? 0n) + amount);
  return [...sums].sort(([left], [right]) => (left < right ? -1 : 1));
}

function written(units: Units, asset: string, amount: bigint): AssetAmount {
  const decimals = units.decimals(asset);
  if (decimals === undefined) {
    throw platformError(
      'unavailable',
      `the decimals of ${asset} are not known before reference has said them`,
    );
  }
  return { asset, amount: formatFixed(amount, decimals) };
}
