import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { apply } from './apply.ts';
import type { Command, MarketStatus, NewOrder, OrderType, Side, TimeInForce } from './command.ts';
import { FollowedMarket } from './followed-market.ts';
import { check } from './invariants.ts';
import { applyNaive, createNaive, type NaiveTrade, queue, remaining } from './naive-engine.ts';
import { EventHash, replay } from './replay.ts';
import { restore, snapshot } from './snapshot.ts';
import { createState } from './state.ts';
import { stateHash } from './state-hash.ts';
import { depth, openOrders, order } from './views.ts';

const symbols = ['BTC-USD', 'ETH-USD'];
const anySymbol = fc.constantFrom(...symbols, ...symbols, ...symbols, 'NOPE');
// Few ids, prices and accounts: so that duplicates, queues and crossings are the rule.
const anyId = fc.integer({ min: 0, max: 60 }).map((number) => `order-${number}`);
const anyAccount = fc.constantFrom('ann', 'bob', 'cyd');
const anyPrice = fc.oneof(
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 12 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 500 }) },
);

const anyOrder: fc.Arbitrary<NewOrder> = fc.record({
  id: anyId,
  account: anyAccount,
  symbol: anySymbol,
  side: fc.constantFrom<Side[]>('buy', 'sell'),
  type: fc.constantFrom<OrderType[]>('limit', 'limit', 'limit', 'market'),
  price: fc.option(anyPrice, { nil: undefined, freq: 30 }),
  protection: fc.option(anyPrice, { nil: undefined, freq: 2 }),
  quantity: fc.integer({ min: 0, max: 30 }),
  timeInForce: fc.constantFrom<TimeInForce[]>('gtc', 'gtc', 'gtc', 'ioc'),
});

const time = fc.integer({ min: 0, max: 1_000_000 });
const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant('submit' as const), time, order: anyOrder }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('cancel' as const),
      time,
      orderId: anyId,
      account: fc.option(anyAccount, { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('abandon' as const), time, orderId: anyId }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('status' as const),
      time,
      symbol: anySymbol,
      status: fc.constantFrom<MarketStatus[]>('open', 'open', 'halted', 'closed'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('list' as const), time, symbol: anySymbol }) },
);
const anySession = fc
  .array(anyCommand, { minLength: 1, maxLength: 150, size: 'max' })
  .map((commands): Command[] => [
    ...symbols.map((symbol) => ({ kind: 'list' as const, symbol, time: 0 })),
    ...commands,
  ]);

/** Runs a session the way a service does: the followed events are the memory of what is no longer live. */
function live(commands: readonly Command[]) {
  const state = createState();
  const followed = new FollowedMarket();
  const output = new EventHash();
  const journal: Command[] = [];
  for (const command of commands) {
    const { events } = apply(state, command, followed.known);
    followed.follow(events);
    output.add(events);
    if (events.length > 0) journal.push(command);
  }
  return { state, followed, journal, outputHash: output.digest() };
}

describe('the engine, for any session', () => {
  it('gives the results, trades, queues and order states of the naive order book', () => {
    fc.assert(
      fc.property(anySession, (commands) => {
        const state = createState({ abandonRetention: Number.MAX_SAFE_INTEGER });
        const followed = new FollowedMarket();
        const naive = createNaive();
        const seen: NaiveTrade[] = [];
        for (const command of commands) {
          const { result, events } = apply(state, command, followed.known);
          followed.follow(events);
          for (const event of events) {
            if (event.kind !== 'trade') continue;
            const { symbol, id, price, quantity, makerOrderId: maker, takerOrderId: taker } = event;
            seen.push({ symbol, id, price, quantity, maker, taker });
          }
          assert.equal(result.kind, applyNaive(naive, command));
        }
        assert.deepEqual(seen, naive.trades);
        const expectedQueues = [...state.markets.keys()].flatMap((symbol) =>
          (['buy', 'sell'] as const).flatMap((side) =>
            queue(naive, symbol, side).map((resting) => [resting.order.id, remaining(resting)]),
          ),
        );
        assert.deepEqual(
          Array.from(openOrders(state), (open) => [open.id, open.remaining]),
          expectedQueues,
        );
        assert.equal(followed.orders.size, naive.orders.size);
        for (const [id, expected] of naive.orders) {
          const { filled, cancelled, value, status } = followed.orders.get(id)!;
          const { order: _order, arrival: _arrival, ...rest } = expected;
          assert.deepEqual({ filled, cancelled, value, status }, rest, id);
        }
      }),
      { numRuns: 400 },
    );
  });

  it('keeps its invariants, never shows a crossed book, and publishes increments that fold to its depth', () => {
    fc.assert(
      fc.property(anySession, (commands) => {
        const { state, followed } = live(commands);
        assert.deepEqual(check(state), []);
        assert.deepEqual(followed.violations, []);
        for (const symbol of symbols) assert.deepEqual(followed.depth(symbol), depth(state, symbol));
      }),
      { numRuns: 300 },
    );
  });

  it('conserves every order: submitted = filled + cancelled + resting', () => {
    fc.assert(
      fc.property(anySession, (commands) => {
        const { state, followed } = live(commands);
        let bought = 0;
        let sold = 0;
        for (const known of followed.orders.values()) {
          assert.equal(known.filled + known.cancelled + known.remaining, known.quantity, known.id);
          assert.deepEqual(order(state, known.id), known.status === 'open' ? known : undefined);
          if (known.side === 'buy') bought += known.filled;
          else sold += known.filled;
        }
        assert.equal(bought, sold);
      }),
      { numRuns: 300 },
    );
  });

  it('is reproduced, state and output, by replaying the commands that had an effect', () => {
    fc.assert(
      fc.property(anySession, (commands) => {
        const { state, journal, outputHash } = live(commands);
        const stored = JSON.parse(JSON.stringify(journal)) as Command[];
        const replayed = replay(stored, {
          each: ({ events }) => assert.notEqual(events.length, 0, 'a journaled command had no effect'),
        });
        assert.equal(stateHash(replayed.state), stateHash(state));
        assert.equal(replayed.outputHash, outputHash);
        assert.equal(replayed.commands, journal.length);
      }),
      { numRuns: 300 },
    );
  });

  it('is reproduced by a snapshot taken at any point and the commands after it', () => {
    fc.assert(
      fc.property(anySession, fc.nat({ max: 150 }), (commands, point) => {
        const { state, journal } = live(commands);
        const cut = Math.min(point, journal.length);
        const head = replay(journal.slice(0, cut)).state;
        const stored = JSON.stringify(snapshot(head));
        const rest = replay(journal.slice(cut), { from: restore(JSON.parse(stored)) });
        const uninterrupted = replay(journal.slice(cut), { from: head });
        assert.equal(stateHash(rest.state), stateHash(state));
        assert.equal(rest.outputHash, uninterrupted.outputHash);
        assert.deepEqual(check(rest.state), []);
      }),
      { numRuns: 200 },
    );
  });
});
