/** For tests of what crashes may do: risk and matching on real files, funded accounts, and what must hold of them. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CrashableMatching } from '@exchange/matching/testing/crashable';
import type { Catalogue } from '@exchange/reference';
import { type InstrumentUnits, instrumentUnits } from '@exchange/reference/units';
import { silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { PlaceOrder } from '../contract.ts';
import { heldAsset, holdFor } from '../hold.ts';
import { CrashableRisk } from './crashable-risk.ts';

const bitcoin = {
  symbol: 'BTC-USD',
  base: 'BTC',
  quote: 'USD',
  tickSize: '1',
  lotSize: '0.1',
  status: 'open',
  referencePrice: '100',
} as const;
const catalogue: Catalogue = { version: 1, assets: { BTC: 8, USD: 6 }, instruments: [bitcoin] };
export const units: InstrumentUnits = instrumentUnits(bitcoin, catalogue.assets);

export const accounts = ['alice', 'bob', 'carol'] as const;
/** Of each asset, in minor units, for each account: enough for some orders, not for all. */
export const funding: ReadonlyMap<string, bigint> = new Map([
  ['USD', 3_000_000_000n],
  ['BTC', 3_000_000_000n],
]);

export class CrashableExchange {
  readonly #directory = mkdtempSync(join(tmpdir(), 'exchange-'));
  /** Errors that risk or matching logged. */
  readonly complaints: unknown[] = [];
  readonly matching: CrashableMatching;
  readonly risk: CrashableRisk;

  constructor() {
    const log = {
      ...silentLogger,
      error: (message: string, fields?: object) => this.complaints.push({ message, fields }),
    };
    this.matching = new CrashableMatching(join(this.#directory, 'matching.sqlite'), ['BTC-USD'], log);
    const { client, published } = this.matching;
    this.risk = new CrashableRisk(join(this.#directory, 'risk.sqlite'), catalogue, client, published, log);
  }

  async open(): Promise<void> {
    this.matching.start();
    this.risk.start();
    for (const account of accounts) await this.risk.core.books.fund(`fund-${account}`, account, funding);
  }

  close(): void {
    if (this.risk.isRunning) this.risk.crash();
    if (this.matching.isRunning) this.matching.crash();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Everything runs, nothing is lost any more, and every outcome is known. */
  async settle(): Promise<void> {
    this.matching.faults.length = 0;
    if (!this.risk.isRunning) this.risk.start();
    const { books, engineLog } = this.risk.core;
    const settled = async (): Promise<boolean> => {
      // A call that was on its way already may still end in a crash.
      if (!this.matching.isRunning) this.matching.start();
      this.matching.deliverLate();
      await engineLog.caughtUp();
      const { sequence } = await this.matching.client.head();
      if (engineLog.applied !== sequence) return false;
      return [...books.orders.unfinished()].every(({ state }) => state === 'live');
    };
    await waitFor(settled, { what: 'every outcome to be known' });
  }

  /** Money is conserved, nobody owes, and the holds are what live orders may cost: in memory, at one sequence. */
  check(): void {
    const { books } = this.risk.core;
    const held = new Map<string, bigint>();
    for (const placed of books.orders.unfinished()) {
      const { asset, amount } = books.holdOf(placed);
      const key = `${placed.order.account} ${asset}`;
      held.set(key, (held.get(key) ?? 0n) + amount);
    }
    const totals = new Map<string, bigint>();
    for (const account of books.balances.accounts()) {
      for (const position of books.balances.of(account)) {
        const { asset, available } = position;
        assert.ok(available >= 0n, `${account} owes ${-available} ${asset}`);
        assert.equal(position.held, held.get(`${account} ${asset}`) ?? 0n, `hold of ${account} in ${asset}`);
        totals.set(asset, (totals.get(asset) ?? 0n) + available + position.held);
      }
    }
    for (const [asset, amount] of funding) {
      assert.equal(totals.get(asset), amount * BigInt(accounts.length), `all ${asset}`);
    }
    this.#checkHolds();
    assert.deepEqual(this.complaints, []);
  }

  /** The holds of live orders are the worst-case cost of what rests on the books at risk's sequence of the log. */
  #checkHolds(): void {
    const { books, engineLog } = this.risk.core;
    const expected = this.matching.openAt(engineLog.applied).map((order) => {
      const asset = heldAsset(order, units);
      return `${order.id} ${asset} ${holdFor(order, units, order.remaining)}`;
    });
    const live = [...books.orders.unfinished()].filter(({ state }) => state === 'live');
    const actual = live.map((placed) => {
      const { asset, amount } = books.holdOf(placed);
      return `${placed.order.id} ${asset} ${amount}`;
    });
    assert.deepEqual(actual.sort(), expected.sort());
  }
}

/** A request in ticks and lots. */
export function request(given: Partial<PlaceOrder> & { clientOrderId: string }): PlaceOrder {
  return {
    symbol: 'BTC-USD',
    side: 'buy',
    type: 'limit',
    quantity: '1',
    timeInForce: 'gtc',
    ...(given.type === 'market' ? {} : { price: '100' }),
    ...given,
  };
}
