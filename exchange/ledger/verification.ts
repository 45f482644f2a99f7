/**
 * Verification: recomputes the hash chain and the balances from the entries and compares them with what is stored. It
 * goes in slices, between which the ledger goes on booking, and remembers how far it has come: the next verification
 * goes on from there, unless a full one is asked for.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { chainHash, genesisHash } from './hash-chain.ts';
import type { Balance, Head, Journal, StoredTransfer } from './journal.ts';
import { unbalancedAsset } from './transfer.ts';

/** The ledger at one moment: read in one go, between two transactions. */
export interface Snapshot {
  readonly head: Head;
  readonly balances: readonly Balance[];
}

export interface Verdict {
  /** The first transfer that this verification read; those before it were found intact by an earlier one. */
  readonly from: number;
  /** The first thing found that is not as it should be. */
  readonly fault: string | undefined;
}

/** What has been recomputed so far. */
interface Progress {
  number: number;
  hash: string;
  readonly sums: Map<string, bigint>;
}

/** Transfers read at a time: about 2 ms. */
const slice = 200;

export class Verification {
  readonly #journal: Journal;
  #progress = beginning();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /**
   * Verifies up to a moment of which `take` makes a snapshot when it is this verification's turn. Stops with the
   * signal's reason when that aborts; what was verified until then need not be verified again.
   */
  run<S extends Snapshot>(
    take: () => S,
    options: { readonly full: boolean; readonly signal?: AbortSignal },
  ): Promise<{ readonly snapshot: S; readonly verdict: Verdict }> {
    const turn = this.#busy.then(async () => {
      options.signal?.throwIfAborted();
      const snapshot = take();
      return { snapshot, verdict: await this.#verify(snapshot, options) };
    });
    this.#busy = turn.catch(() => {});
    return turn;
  }

  async #verify(
    { head, balances }: Snapshot,
    { full, signal }: { readonly full: boolean; readonly signal?: AbortSignal },
  ): Promise<Verdict> {
    if (full) this.#progress = beginning();
    const progress = this.#progress;
    const from = progress.number + 1;
    while (progress.number < head.number) {
      signal?.throwIfAborted();
      const fault = this.#advance(progress, Math.min(slice, head.number - progress.number));
      if (fault !== undefined) return { from, fault };
      await nextTurn();
    }
    return { from, fault: headFault(progress, head) ?? balanceFault(progress.sums, balances) };
  }

  #advance(progress: Progress, count: number): string | undefined {
    const transfers = this.#journal.transfers(progress.number, count);
    if (transfers.length === 0) return `transfer ${progress.number + 1} is missing`;
    for (const transfer of transfers) {
      const fault = transferFault(progress, transfer);
      if (fault !== undefined) return fault;
      for (const { account, asset, amount } of transfer.entries) add(progress.sums, account, asset, amount);
      progress.number = transfer.number;
      progress.hash = transfer.hash;
    }
    return undefined;
  }
}

function beginning(): Progress {
  return { number: 0, hash: genesisHash, sums: new Map() };
}

function transferFault(before: Progress, transfer: StoredTransfer): string | undefined {
  const { number, id, hash, entries } = transfer;
  if (number !== before.number + 1) return `transfer ${before.number + 1} is missing`;
  if (chainHash(before.hash, number, transfer) !== hash) {
    return `transfer ${number} (${id}) is not what its hash says`;
  }
  const asset = unbalancedAsset(entries);
  return asset === undefined ? undefined : `transfer ${number} (${id}) does not sum to zero in ${asset}`;
}

function headFault(progress: Progress, head: Head): string | undefined {
  if (progress.number !== head.number) {
    return `the journal ends at transfer ${head.number}, but transfer ${progress.number} was verified before`;
  }
  if (progress.hash === head.hash) return undefined;
  return `transfer ${head.number} has another hash than when it was verified before`;
}

function balanceFault(sums: ReadonlyMap<string, bigint>, balances: readonly Balance[]): string | undefined {
  let stored = 0;
  for (const { account, asset, amount } of balances) {
    const sum = sums.get(key(account, asset));
    if (sum !== undefined) stored += 1;
    if ((sum ?? 0n) !== amount) {
      return `the ${asset} of ${account} is stored as ${amount} minor units, but its entries sum to ${sum ?? 0n}`;
    }
  }
  return stored === sums.size ? undefined : `${sums.size - stored} balances are missing`;
}

function add(sums: Map<string, bigint>, account: string, asset: string, amount: bigint): void {
  const at = key(account, asset);
  sums.set(at, (sums.get(at) ?? 0n) + amount);
}

function key(account: string, asset: string): string {
  return `${account} ${asset}`;
}
