/** What must hold between the services at any time: checked from their audits, all at one sequence of the engine log. */
import assert from 'node:assert/strict';
import { waitFor } from 'flotilla/testing';
import type { FleetProcess } from './fleet-process.ts';

interface AssetAmount {
  readonly asset: string;
  readonly amount: string;
}

interface Audits {
  readonly matching: {
    readonly sequence: number;
    readonly violations: readonly string[];
    readonly orders: readonly { readonly id: string; readonly account: string }[];
    readonly stateHash: string;
  };
  readonly risk: {
    readonly sequence: number;
    readonly accounts: readonly {
      readonly account: string;
      readonly balances: readonly {
        readonly asset: string;
        readonly available: string;
        readonly held: string;
      }[];
    }[];
    readonly holds: readonly { readonly orderId: string }[];
    readonly pending: readonly string[];
  };
  readonly ledger: {
    readonly sequence: number;
    readonly totals: readonly AssetAmount[];
    readonly accounts: readonly { readonly account: string; readonly balances: readonly AssetAmount[] }[];
    readonly intact: boolean;
  };
  readonly orders: { readonly sequence: number; readonly open: readonly string[] };
}

const house = 'house';
const scale = 18;

/** A decimal as an integer in units of 10^-18, so that sums are exact. */
export function exact(text: string): bigint {
  const negative = text.startsWith('-');
  const [whole = '0', fraction = ''] = (negative ? text.slice(1) : text).split('.');
  const value = BigInt(whole + fraction.padEnd(scale, '0'));
  return negative ? -value : value;
}

/** Stops the participants and waits until everybody has followed the engine to the same entry. */
export async function settledAudits(fleet: FleetProcess): Promise<Audits> {
  // The services may just be coming back to a broker that was killed.
  await waitFor(() => fleet.call('feeds.pause').then(() => true), { what: 'the participants to pause' });
  return waitFor(
    async () => {
      const [matching, risk, ledger, orders] = await Promise.all([
        fleet.call<Audits['matching']>('matching.audit'),
        fleet.call<Audits['risk']>('risk.audit'),
        fleet.call<Audits['ledger']>('ledger.audit'),
        fleet.call<Audits['orders']>('orders.audit'),
      ]);
      const same = [risk, ledger, orders].every(({ sequence }) => sequence === matching.sequence);
      return same && risk.pending.length === 0 ? { matching, risk, ledger, orders } : undefined;
    },
    { timeoutMs: 30_000, what: 'all services to reach the same entry of the log' },
  );
}

/** Cash and shares are conserved, and ledger, risk, orders and matching say the same. */
export async function assertConserved(fleet: FleetProcess): Promise<Audits> {
  const audits = await settledAudits(fleet);
  const { matching, risk, ledger, orders } = audits;
  assert.deepEqual(matching.violations, []);
  assert.ok(ledger.intact, 'the hash chain of the ledger is intact');
  for (const { asset, amount } of ledger.totals) assert.equal(exact(amount), 0n, `${asset} is conserved`);

  const booked = new Map<string, bigint>();
  for (const { account, balances } of ledger.accounts) {
    if (account === house) continue;
    for (const { asset, amount } of balances) booked.set(`${account} ${asset}`, exact(amount));
  }
  for (const { account, balances } of risk.accounts) {
    for (const { asset, available, held } of balances) {
      const key = `${account} ${asset}`;
      assert.ok(exact(available) >= 0n && exact(held) >= 0n, `${key} is not negative`);
      assert.equal(
        exact(available) + exact(held),
        booked.get(key) ?? 0n,
        `${key} is the same in risk and ledger`,
      );
      booked.delete(key);
    }
  }
  for (const [key, amount] of booked) assert.equal(amount, 0n, `${key} is known to risk`);

  const resting = matching.orders.map(({ id }) => id).sort();
  assert.deepEqual(
    risk.holds.map(({ orderId }) => orderId).sort(),
    resting,
    'holds are those of resting orders',
  );
  assert.deepEqual([...orders.open].sort(), resting, 'open orders are those that rest');
  return audits;
}
