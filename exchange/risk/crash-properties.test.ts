/**
 * Random orders through risk and matching while both crash and calls between them get lost in every way. Whatever
 * happens: each client's order is taken at most once, every acknowledged one is there, money is conserved, nobody owes,
 * holds are the worst-case cost of the live orders, and the journal replays to the same state.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Fault } from '@exchange/matching/testing/crashable';
import fc from 'fast-check';
import { isPlatformCode, toFlotillaError } from 'flotilla';
import type { PlaceOrder } from './contract.ts';
import type { Placed } from './desk.ts';
import { accounts, CrashableExchange, request } from './testing/crashable-exchange.ts';

type Step =
  | { readonly do: 'place'; readonly account: string; readonly order: PlaceOrder }
  | { readonly do: 'repeat'; readonly which: number }
  | { readonly do: 'cancel'; readonly which: number }
  | { readonly do: 'fault'; readonly fault: Fault }
  | { readonly do: 'crash risk' | 'crash matching' | 'start' | 'deliver late' | 'check' }
  | { readonly do: 'wait'; readonly turns: number };

interface Request {
  readonly account: string;
  readonly order: PlaceOrder;
}

const side = fc.constantFrom('buy', 'sell');
const quantity = fc.integer({ min: 1, max: 60 }).map((lots) => `${Math.floor(lots / 10)}.${lots % 10}`);
const limit = fc.record({
  side,
  quantity,
  price: fc.integer({ min: 90, max: 110 }).map(String),
  timeInForce: fc.constantFrom('gtc', 'gtc', 'gtc', 'ioc'),
});
const market = fc.record({ side, quantity, type: fc.constant('market' as const) });
const order = fc.oneof({ arbitrary: limit, weight: 5 }, { arbitrary: market, weight: 1 });

let ids = 0;
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    arbitrary: fc.tuple(fc.constantFrom(...accounts), order).map(
      ([account, given]): Step => ({
        do: 'place',
        account,
        order: request({ clientOrderId: 'set when placed', ...given } as PlaceOrder),
      }),
    ),
    weight: 14,
  },
  { arbitrary: fc.nat(30).map((which): Step => ({ do: 'repeat', which })), weight: 4 },
  { arbitrary: fc.nat(30).map((which): Step => ({ do: 'cancel', which })), weight: 2 },
  {
    arbitrary: fc
      .constantFrom<Fault>(
        'refused',
        'overloaded',
        'request lost',
        'answer lost',
        'late',
        'crash before commit',
        'crash after commit',
      )
      .map((fault): Step => ({ do: 'fault', fault })),
    weight: 3,
  },
  {
    arbitrary: fc.constantFrom<Step>(
      { do: 'crash risk' },
      { do: 'crash matching' },
      { do: 'deliver late' },
      { do: 'check' },
    ),
    weight: 3,
  },
  { arbitrary: fc.constant<Step>({ do: 'start' }), weight: 4 },
  { arbitrary: fc.integer({ min: 1, max: 12 }).map((turns): Step => ({ do: 'wait', turns })), weight: 6 },
);

class Run {
  readonly #exchange = new CrashableExchange();
  readonly #requests: Request[] = [];
  /** By client id: the orders that a client was told of. */
  readonly #acknowledged = new Map<string, Set<string>>();
  readonly #calls: Promise<void>[] = [];

  async all(steps: readonly Step[]): Promise<void> {
    const exchange = this.#exchange;
    try {
      await exchange.open();
      for (const each of steps) await this.#step(each);
      await exchange.settle();
      await Promise.all(this.#calls);
      await exchange.settle();
      exchange.check();
      await this.#everyRequestHasOneOutcome();
      await exchange.settle();
      exchange.check();
      await this.#journalTellsTheSame();
    } finally {
      exchange.close();
    }
  }

  async #step(each: Step): Promise<void> {
    const { matching, risk } = this.#exchange;
    switch (each.do) {
      case 'place': {
        ids += 1;
        const placed = { account: each.account, order: { ...each.order, clientOrderId: `client-${ids}` } };
        this.#requests.push(placed);
        this.#send(placed);
        return;
      }
      case 'repeat': {
        const earlier = this.#requests.at(-1 - each.which);
        if (earlier) this.#send(earlier);
        return;
      }
      case 'cancel': {
        const id = [...this.#acknowledged.values()].flatMap((known) => [...known]).at(-1 - each.which);
        if (id && matching.isRunning) this.#calls.push(matching.cancel(id).catch(() => {}));
        return;
      }
      case 'fault':
        matching.faults.push(each.fault);
        return;
      case 'crash risk':
        if (risk.isRunning) risk.crash();
        return;
      case 'crash matching':
        if (matching.isRunning) matching.crash();
        return;
      case 'start':
        if (!matching.isRunning) matching.start();
        if (!risk.isRunning) risk.start();
        return;
      case 'deliver late':
        matching.deliverLate();
        return;
      case 'check':
        if (risk.isRunning && matching.isRunning) this.#exchange.check();
        return;
      case 'wait':
        for (let turn = 0; turn < each.turns; turn++) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #send({ account, order }: Request): void {
    if (!this.#exchange.risk.isRunning) return;
    const call = this.#exchange.risk.place(account, order).then(
      (placed) => this.#acknowledge(order.clientOrderId, placed),
      (thrown) => {
        const { code } = toFlotillaError(thrown);
        const isExpected = code === 'unavailable' || code === 'overloaded' || !isPlatformCode(code);
        assert.ok(isExpected, `${code} for ${order.clientOrderId}`);
      },
    );
    this.#calls.push(call);
  }

  #acknowledge(clientOrderId: string, { order }: Placed): void {
    const known = this.#acknowledged.get(clientOrderId) ?? new Set();
    known.add(order.id);
    this.#acknowledged.set(clientOrderId, known);
    assert.equal(known.size, 1, `${clientOrderId} became two orders`);
  }

  /** Now that all is quiet, the same request again gives the order that was acknowledged, or a first one. */
  async #everyRequestHasOneOutcome(): Promise<void> {
    for (const { account, order } of this.#requests) {
      const isKnown = this.#acknowledged.has(order.clientOrderId);
      try {
        const placed = await this.#exchange.risk.place(account, order);
        this.#acknowledge(order.clientOrderId, placed);
        if (isKnown) assert.ok(placed.replayed, `${order.clientOrderId} was placed again`);
      } catch (thrown) {
        if (thrown instanceof assert.AssertionError) throw thrown;
        assert.equal(toFlotillaError(thrown).code, 'insufficient_funds');
        assert.ok(!isKnown, `${order.clientOrderId} was acknowledged and is gone`);
      }
    }
  }

  async #journalTellsTheSame(): Promise<void> {
    const { matching } = this.#exchange;
    const taken = new Map<string, string>();
    const { sequence } = await matching.client.head();
    assert.equal(matching.published.entries.length, sequence);
    for (const { events } of matching.published.entries) {
      for (const event of events) {
        if (event.kind !== 'accepted') continue;
        const { clientOrderId, id } = event.order;
        assert.ok(
          !taken.has(clientOrderId),
          `${clientOrderId} was taken as ${taken.get(clientOrderId)} and ${id}`,
        );
        taken.set(clientOrderId, id);
      }
    }
    for (const [clientOrderId, known] of this.#acknowledged) {
      assert.deepEqual([taken.get(clientOrderId)], [...known], `the order of ${clientOrderId}`);
    }
    const report = matching.verify();
    assert.deepEqual(report.faults, []);
    assert.equal(report.entries, sequence);
    const view = matching.view();
    assert.equal(report.stateHash, view.stateHash);
    assert.ok(!view.isCrossed);
  }
}

test('orders survive crashes and lost calls exactly once, and money is conserved', async () => {
  const steps = fc.array(step, { minLength: 20, maxLength: 120, size: 'max' });
  await fc.assert(
    fc.asyncProperty(steps, (given) => new Run().all(given)),
    { numRuns: 25, endOnFailure: true },
  );
});
