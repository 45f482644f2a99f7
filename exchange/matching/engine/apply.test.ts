import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { apply } from './apply.ts';
import type { NewOrder } from './command.ts';
import type { EngineEvent } from './event.ts';
import { check } from './invariants.ts';
import type { CancelResult, OrderState, Outcome, SubmitResult } from './outcome.ts';
import { createState, type EngineState } from './state.ts';
import { stateHash } from './state-hash.ts';
import { depth, market, openOrders, order } from './views.ts';

const symbol = 'BTC-USD';
let state: EngineState;
let clock: number;

beforeEach(() => {
  state = createState();
  clock = 1_000;
  apply(state, { kind: 'list', symbol, time: clock });
});

function submit(id: string, details: Partial<NewOrder>): Outcome<SubmitResult> {
  clock += 1;
  const outcome = apply(state, { kind: 'submit', time: clock, order: makeOrder(id, details) });
  assert.deepEqual(check(state), []);
  return outcome;
}

function makeOrder(id: string, details: Partial<NewOrder>): NewOrder {
  const price = details.type === 'market' ? undefined : 100;
  return {
    id,
    account: `owner of ${id}`,
    symbol,
    side: 'buy',
    type: 'limit',
    price,
    quantity: 10,
    timeInForce: 'gtc',
    ...details,
  };
}

function cancel(orderId: string, account?: string): Outcome<CancelResult> {
  clock += 1;
  const outcome = apply(state, { kind: 'cancel', time: clock, orderId, account });
  assert.deepEqual(check(state), []);
  return outcome;
}

function kinds(events: readonly EngineEvent[]): string[] {
  return events.map((event) => event.kind);
}

/** Maker order, price and quantity of each trade. */
function trades(events: readonly EngineEvent[]): [string, number, number][] {
  return events.flatMap((event): [string, number, number][] =>
    event.kind === 'trade' ? [[event.makerOrderId, event.price, event.quantity]] : [],
  );
}

function stateOf(outcome: Outcome<SubmitResult>): OrderState {
  assert.ok(outcome.result.kind !== 'abandoned');
  return outcome.result.order;
}

function queueOf(): string[] {
  return Array.from(openOrders(state), ({ id, remaining }) => `${id}:${remaining}`);
}

describe('a limit order', () => {
  it('rests when nothing on the other side is within its price', () => {
    submit('ask', { side: 'sell', price: 101 });
    const outcome = submit('bid', { side: 'buy', price: 100, quantity: 4 });
    assert.deepEqual(outcome.events, [
      { kind: 'accepted', order: makeOrder('bid', { side: 'buy', price: 100, quantity: 4 }), time: clock },
      { kind: 'book', symbol, sequence: 2, changes: [{ side: 'buy', price: 100, quantity: 4 }], time: clock },
    ]);
    assert.equal(stateOf(outcome).status, 'open');
    assert.deepEqual(depth(state, symbol), { symbol, sequence: 2, bids: [[100, 4]], asks: [[101, 10]] });
  });

  it('trades at the price of the maker, never at its own', () => {
    submit('ask', { side: 'sell', price: 95 });
    const { events } = submit('bid', { side: 'buy', price: 100 });
    assert.deepEqual(trades(events), [['ask', 95, 10]]);
  });

  it('says all that happened, in order, with the net book change last', () => {
    submit('a1', { side: 'sell', price: 100, quantity: 3 });
    submit('a2', { side: 'sell', price: 101, quantity: 5 });
    const { events } = submit('bid', { side: 'buy', price: 102, quantity: 10 });
    const base = { symbol, time: clock };
    const taker = { orderId: 'bid', account: 'owner of bid', side: 'buy', role: 'taker' };
    const trade = { kind: 'trade', aggressor: 'buy', takerOrderId: 'bid', takerAccount: 'owner of bid' };
    assert.deepEqual(events.slice(1), [
      {
        ...base,
        ...trade,
        sequence: 3,
        id: 1,
        price: 100,
        quantity: 3,
        makerOrderId: 'a1',
        makerAccount: 'owner of a1',
      },
      {
        ...base,
        kind: 'filled',
        orderId: 'a1',
        account: 'owner of a1',
        side: 'sell',
        role: 'maker',
        tradeId: 1,
        price: 100,
        quantity: 3,
        remaining: 0,
      },
      { ...base, ...taker, kind: 'filled', tradeId: 1, price: 100, quantity: 3, remaining: 7 },
      {
        ...base,
        ...trade,
        sequence: 4,
        id: 2,
        price: 101,
        quantity: 5,
        makerOrderId: 'a2',
        makerAccount: 'owner of a2',
      },
      {
        ...base,
        kind: 'filled',
        orderId: 'a2',
        account: 'owner of a2',
        side: 'sell',
        role: 'maker',
        tradeId: 2,
        price: 101,
        quantity: 5,
        remaining: 0,
      },
      { ...base, ...taker, kind: 'filled', tradeId: 2, price: 101, quantity: 5, remaining: 2 },
      {
        ...base,
        kind: 'book',
        sequence: 5,
        changes: [
          { side: 'sell', price: 100, quantity: 0 },
          { side: 'sell', price: 101, quantity: 0 },
          { side: 'buy', price: 102, quantity: 2 },
        ],
      },
    ]);
  });

  it('reports the exact value of its fills', () => {
    submit('a1', { side: 'sell', price: 9_007_199_254_740_991, quantity: 3 });
    submit('a2', { side: 'sell', price: 9_007_199_254_740_990, quantity: 5 });
    const taken = stateOf(submit('bid', { price: Number.MAX_SAFE_INTEGER, quantity: 8 }));
    assert.equal(taken.value, 5n * 9_007_199_254_740_990n + 3n * 9_007_199_254_740_991n);
    assert.equal(taken.status, 'filled');
  });
});

describe('priority', () => {
  it('goes to the best price first, on both sides', () => {
    for (const price of [103, 101, 102]) submit(`ask ${price}`, { side: 'sell', price, quantity: 1 });
    for (const price of [97, 99, 98]) submit(`bid ${price}`, { side: 'buy', price, quantity: 1 });
    assert.deepEqual(trades(submit('b', { side: 'buy', price: 110, quantity: 3 }).events), [
      ['ask 101', 101, 1],
      ['ask 102', 102, 1],
      ['ask 103', 103, 1],
    ]);
    assert.deepEqual(trades(submit('s', { side: 'sell', price: 90, quantity: 3 }).events), [
      ['bid 99', 99, 1],
      ['bid 98', 98, 1],
      ['bid 97', 97, 1],
    ]);
  });

  it('goes to the oldest order within a price', () => {
    for (const id of ['first', 'second', 'third']) submit(id, { side: 'sell', quantity: 2 });
    assert.deepEqual(trades(submit('b', { quantity: 5 }).events), [
      ['first', 100, 2],
      ['second', 100, 2],
      ['third', 100, 1],
    ]);
  });

  it('stays with a maker that was filled in part', () => {
    submit('first', { side: 'sell', quantity: 10 });
    submit('second', { side: 'sell', quantity: 10 });
    submit('b1', { quantity: 4 });
    assert.deepEqual(queueOf(), ['first:6', 'second:10']);
    assert.deepEqual(trades(submit('b2', { quantity: 7 }).events), [
      ['first', 100, 6],
      ['second', 100, 1],
    ]);
  });

  it('stays with the others when one in the middle of the queue is cancelled', () => {
    for (const id of ['first', 'second', 'third']) submit(id, { side: 'sell', quantity: 2 });
    cancel('second');
    assert.deepEqual(queueOf(), ['first:2', 'third:2']);
    submit('fourth', { side: 'sell', quantity: 2 });
    cancel('fourth');
    cancel('first');
    assert.deepEqual(queueOf(), ['third:2']);
  });

  it('is lost by cancelling and submitting again', () => {
    submit('first', { side: 'sell', quantity: 2 });
    submit('second', { side: 'sell', quantity: 2 });
    cancel('first');
    submit('first again', { side: 'sell', quantity: 2 });
    assert.deepEqual(queueOf(), ['second:2', 'first again:2']);
  });

  it('holds through many levels, whatever the order in which they came and went', () => {
    const prices = Array.from({ length: 200 }, (_, index) => 1 + ((index * 73) % 200));
    for (const price of prices) submit(`ask ${price}`, { side: 'sell', price: 1_000 + price, quantity: 1 });
    for (const price of prices.filter((price) => price % 3 === 0)) cancel(`ask ${price}`);
    const left = prices.filter((price) => price % 3 !== 0).sort((one, other) => one - other);
    const outcome = submit('all', { type: 'market', quantity: 1_000 });
    assert.deepEqual(
      trades(outcome.events).map(([, price]) => price - 1_000),
      left,
    );
  });
});

describe('an immediate-or-cancel order', () => {
  it('gives up its remainder and never rests', () => {
    submit('ask', { side: 'sell', price: 100, quantity: 3 });
    submit('worse', { side: 'sell', price: 101, quantity: 3 });
    const outcome = submit('ioc', { price: 100, quantity: 10, timeInForce: 'ioc' });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'trade', 'filled', 'filled', 'cancelled', 'book']);
    const { filled, cancelled, remaining, status } = stateOf(outcome);
    assert.deepEqual([filled, cancelled, remaining, status], [3, 7, 0, 'cancelled']);
    assert.deepEqual(depth(state, symbol)?.bids, []);
    assert.equal(order(state, 'ioc'), undefined);
  });

  it('that finds nothing is cancelled whole and leaves no mark on the market', () => {
    const outcome = submit('ioc', { timeInForce: 'ioc' });
    const { account, side } = makeOrder('ioc', {});
    const cancelled = {
      kind: 'cancelled',
      orderId: 'ioc',
      account,
      symbol,
      side,
      remaining: 10,
      reason: 'ioc',
      time: clock,
    };
    assert.deepEqual(outcome.events.slice(1), [cancelled]);
    assert.equal(market(state, symbol)?.sequence, 0);
  });
});

describe('a market order', () => {
  it('without liquidity is cancelled, not rested', () => {
    const outcome = submit('m', { type: 'market' });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'cancelled']);
    assert.ok(outcome.events[1]?.kind === 'cancelled' && outcome.events[1].reason === 'no_liquidity');
    assert.equal(stateOf(outcome).price, undefined);
    assert.deepEqual(depth(state, symbol)?.bids, []);
  });

  it('never rests, even when it says good till cancelled', () => {
    submit('ask', { side: 'sell', quantity: 3 });
    const outcome = submit('m', { type: 'market', timeInForce: 'gtc', quantity: 5 });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'trade', 'filled', 'filled', 'cancelled', 'book']);
    assert.equal(stateOf(outcome).cancelled, 2);
    assert.equal(depth(state, symbol)?.bids.length, 0);
  });

  it('stops at its protection price, on both sides', () => {
    submit('a1', { side: 'sell', price: 100, quantity: 1 });
    submit('a2', { side: 'sell', price: 102, quantity: 1 });
    const bought = submit('mb', { type: 'market', protection: 101, quantity: 5 });
    assert.deepEqual(trades(bought.events), [['a1', 100, 1]]);
    const given = bought.events.find((event) => event.kind === 'cancelled');
    assert.deepEqual([given?.reason, given?.remaining], ['protection', 4]);
    submit('b1', { side: 'buy', price: 99, quantity: 1 });
    submit('b2', { side: 'buy', price: 97, quantity: 1 });
    const sold = submit('ms', { type: 'market', side: 'sell', protection: 97, quantity: 5 });
    assert.deepEqual(trades(sold.events), [
      ['b1', 99, 1],
      ['b2', 97, 1],
    ]);
    assert.equal(sold.events.find((event) => event.kind === 'cancelled')?.reason, 'no_liquidity');
  });

  it('ignores a price, as a limit order ignores a protection', () => {
    submit('ask', { side: 'sell', price: 100, quantity: 1 });
    assert.equal(trades(submit('m', { type: 'market', price: 1, quantity: 1 }).events).length, 1);
    submit('ask 2', { side: 'sell', price: 100, quantity: 1 });
    assert.equal(trades(submit('l', { price: 100, protection: 1, quantity: 1 }).events).length, 1);
  });
});

describe('the same account on both sides', () => {
  it('trades with itself', () => {
    submit('a', { side: 'sell', account: 'me', quantity: 1 });
    const { events } = submit('b', { side: 'buy', account: 'me', quantity: 1 });
    const trade = events.find((event) => event.kind === 'trade');
    assert.deepEqual([trade?.makerAccount, trade?.takerAccount], ['me', 'me']);
  });
});

describe('a cancel', () => {
  it('removes the order and reports the level', () => {
    submit('one', { quantity: 3 });
    submit('two', { quantity: 4 });
    const { result, events } = cancel('one', 'owner of one');
    assert.ok(result.kind === 'cancelled');
    assert.deepEqual(
      [result.order.cancelled, result.order.remaining, result.order.status],
      [3, 0, 'cancelled'],
    );
    assert.deepEqual(kinds(events), ['cancelled', 'book']);
    assert.ok(events[1]?.kind === 'book');
    assert.deepEqual(events[1].changes, [{ side: 'buy', price: 100, quantity: 4 }]);
  });

  it('of a partly filled order keeps what was filled', () => {
    submit('one', { quantity: 10 });
    submit('s', { side: 'sell', quantity: 4 });
    const { result } = cancel('one');
    assert.ok(result.kind === 'cancelled');
    const { filled, cancelled, remaining, value } = result.order;
    assert.deepEqual([filled, cancelled, remaining, value], [4, 6, 0, 400n]);
  });

  it('has no effect on an order of another account, an unknown one, or one that is done', () => {
    submit('one', {});
    const before = stateHash(state);
    assert.deepEqual(cancel('one', 'somebody else'), { result: { kind: 'not_owner' }, events: [] });
    assert.deepEqual(cancel('never seen'), { result: { kind: 'not_found' }, events: [] });
    const done: OrderState = { ...order(state, 'one')!, id: 'old', status: 'filled' };
    const known = (id: string) => (id === 'old' ? done : undefined);
    const late = apply(state, { kind: 'cancel', time: clock, orderId: 'old' }, known);
    assert.deepEqual(late, { result: { kind: 'not_open', order: done }, events: [] });
    const theirs = apply(state, { kind: 'cancel', time: clock, orderId: 'old', account: 'x' }, known);
    assert.deepEqual(theirs.result, { kind: 'not_owner' });
    assert.equal(stateHash(state), before);
  });
});

describe('an order id', () => {
  it('that is live is a duplicate: the answer is the order as it stands', () => {
    submit('one', { quantity: 10 });
    submit('s', { side: 'sell', quantity: 4 });
    const before = stateHash(state);
    const again = submit('one', { quantity: 99, side: 'sell' });
    assert.deepEqual(again.result, { kind: 'duplicate', order: order(state, 'one') });
    assert.equal(stateOf(again).filled, 4);
    assert.deepEqual(again.events, []);
    assert.equal(stateHash(state), before);
  });

  it('that is older is looked up, so that memory stays bounded by what is live', () => {
    const first = submit('one', { timeInForce: 'ioc' });
    assert.equal(state.orders.size, 0);
    const old = stateOf(first);
    const command = { kind: 'submit', time: clock, order: makeOrder('one', {}) } as const;
    const again = apply(state, command, (id) => (id === 'one' ? old : undefined));
    assert.deepEqual(again, { result: { kind: 'duplicate', order: old }, events: [] });
  });

  it('may look like anything, even a property of every object', () => {
    for (const id of ['__proto__', 'constructor', 'toString', '\ud800', '"', '\n']) {
      assert.equal(submit(id, {}).result.kind, 'accepted');
      assert.equal(submit(id, {}).result.kind, 'duplicate');
      assert.equal(cancel(id).result.kind, 'cancelled');
    }
  });
});

describe('an abandon', () => {
  it('of an unknown id refuses the order when it arrives late', () => {
    const outcome = apply(state, { kind: 'abandon', time: clock, orderId: 'lost' });
    assert.deepEqual(outcome.result, { kind: 'abandoned' });
    assert.deepEqual(outcome.events, [{ kind: 'abandoned', orderId: 'lost', time: clock }]);
    const before = stateHash(state);
    assert.deepEqual(submit('lost', {}), { result: { kind: 'abandoned' }, events: [] });
    const again = apply(state, { kind: 'abandon', time: clock + 5, orderId: 'lost' });
    assert.deepEqual(again, { result: { kind: 'abandoned' }, events: [] });
    assert.equal(stateHash(state), before);
  });

  it('of a known order has no effect and tells how the order stands', () => {
    submit('one', {});
    const live = apply(state, { kind: 'abandon', time: clock, orderId: 'one' });
    assert.deepEqual(live, { result: { kind: 'known', order: order(state, 'one') }, events: [] });
    const old = stateOf(submit('two', { timeInForce: 'ioc', side: 'sell', price: 900 }));
    const done = apply(state, { kind: 'abandon', time: clock, orderId: 'two' }, () => old);
    assert.deepEqual(done, { result: { kind: 'known', order: old }, events: [] });
  });

  it('is forgotten after the retention, by the time of commands, and then looked up', () => {
    state = createState({ abandonRetention: 100 });
    apply(state, { kind: 'list', symbol, time: 1_000 });
    apply(state, { kind: 'abandon', time: 1_000, orderId: 'lost' });
    const late = (time: number, known?: () => 'abandoned') =>
      apply(state, { kind: 'submit', time, order: makeOrder('lost', {}) }, known).result.kind;
    apply(state, { kind: 'abandon', time: 1_100, orderId: 'other' });
    assert.equal(late(1_100), 'abandoned');
    apply(state, { kind: 'abandon', time: 1_101, orderId: 'third' });
    assert.deepEqual([...state.abandoned.keys()], ['other', 'third']);
    assert.equal(
      late(1_102, () => 'abandoned'),
      'abandoned',
    );
    assert.equal(late(1_102), 'accepted');
  });
});

describe('a refused order', () => {
  const cases: [string, Partial<NewOrder>, string][] = [
    ['an unknown symbol', { symbol: 'NOPE' }, 'unknown_symbol'],
    ['a quantity of zero', { quantity: 0 }, 'invalid_quantity'],
    ['a negative quantity', { quantity: -1 }, 'invalid_quantity'],
    ['a fraction of a lot', { quantity: 1.5 }, 'invalid_quantity'],
    ['an unsafe quantity', { quantity: 2 ** 53 }, 'invalid_quantity'],
    ['a quantity that is no number', { quantity: Number.NaN }, 'invalid_quantity'],
    ['no price', { price: undefined }, 'invalid_price'],
    ['a price of zero', { price: 0 }, 'invalid_price'],
    ['a fraction of a tick', { price: 0.5 }, 'invalid_price'],
    ['an infinite price', { price: Number.POSITIVE_INFINITY }, 'invalid_price'],
    ['a wrong protection', { type: 'market', price: undefined, protection: -1 }, 'invalid_price'],
    ['no account', { account: '' }, 'invalid_order'],
    ['a side that does not exist', { side: 'hold' as 'buy' }, 'invalid_order'],
  ];
  for (const [what, details, reason] of cases) {
    it(`with ${what} changes no book and says ${reason}`, () => {
      submit('ask', { side: 'sell', price: 100 });
      const before = depth(state, symbol);
      const outcome = submit('poison', details);
      assert.ok(outcome.result.kind === 'rejected');
      assert.equal(outcome.result.reason, reason);
      assert.equal(outcome.result.order.status, 'rejected');
      assert.deepEqual(kinds(outcome.events), ['rejected']);
      assert.deepEqual(depth(state, symbol), before);
      assert.equal(order(state, 'poison'), undefined);
    });
  }

  it('is one that would overflow its level', () => {
    submit('one', { quantity: Number.MAX_SAFE_INTEGER - 5 });
    const outcome = submit('two', { quantity: 6 });
    assert.ok(outcome.result.kind === 'rejected' && outcome.result.reason === 'level_full');
    assert.equal(submit('three', { quantity: 5 }).result.kind, 'accepted');
    assert.equal(submit('four', { quantity: 6, price: 99 }).result.kind, 'accepted');
  });
});

describe('a market', () => {
  it('that is halted or closed refuses orders, allows cancels and keeps its queue', () => {
    for (const [status, reason] of [
      ['halted', 'market_halted'],
      ['closed', 'market_closed'],
    ] as const) {
      submit(`${status} one`, { side: 'sell' });
      submit(`${status} two`, { side: 'sell' });
      const changed = apply(state, { kind: 'status', symbol, status, time: clock });
      assert.deepEqual(changed.events, [{ kind: 'status', symbol, status, time: clock }]);
      const refused = submit(`${status} b`, {});
      assert.ok(refused.result.kind === 'rejected' && refused.result.reason === reason);
      assert.equal(cancel(`${status} one`).result.kind, 'cancelled');
      apply(state, { kind: 'status', symbol, status: 'open', time: clock });
      assert.deepEqual(trades(submit(`${status} b2`, {}).events), [[`${status} two`, 100, 10]]);
    }
  });

  it('is listed once, and its status changes only to another', () => {
    assert.deepEqual(apply(state, { kind: 'list', symbol, time: 1 }), {
      result: { kind: 'exists' },
      events: [],
    });
    const same = apply(state, { kind: 'status', symbol, status: 'open', time: 1 });
    assert.deepEqual(same, { result: { kind: 'unchanged' }, events: [] });
    const unknown = apply(state, { kind: 'status', symbol: 'NOPE', status: 'open', time: 1 });
    assert.deepEqual(unknown, { result: { kind: 'unknown_symbol' }, events: [] });
    const listed = apply(state, { kind: 'list', symbol: 'NEW', status: 'halted', time: 2_000 });
    assert.deepEqual(listed.events, [{ kind: 'listed', symbol: 'NEW', status: 'halted', time: 2_000 }]);
    assert.equal(market(state, 'NEW')?.status, 'halted');
  });

  it('has its own sequence and its own trade ids', () => {
    apply(state, { kind: 'list', symbol: 'ETH-USD', time: clock });
    for (const [index, name] of [symbol, 'ETH-USD', symbol].entries()) {
      submit(`s${index}`, { symbol: name, side: 'sell' });
      submit(`b${index}`, { symbol: name, side: 'buy' });
    }
    assert.deepEqual([market(state, symbol)?.sequence, market(state, symbol)?.tradeId], [6, 2]);
    assert.deepEqual([market(state, 'ETH-USD')?.sequence, market(state, 'ETH-USD')?.tradeId], [3, 1]);
  });
});

describe('time', () => {
  it('never goes back, and a command without effect does not move it', () => {
    submit('one', {});
    const now = state.time;
    cancel('never seen');
    apply(state, { kind: 'submit', time: now + 1_000, order: makeOrder('one', {}) });
    assert.equal(state.time, now);
    for (const time of [now - 500, Number.NaN, Number.POSITIVE_INFINITY]) {
      const outcome = apply(state, { kind: 'submit', time, order: makeOrder(`at ${time}`, {}) });
      assert.equal(outcome.events[0]?.time, now);
    }
    assert.deepEqual(check(state), []);
  });
});
