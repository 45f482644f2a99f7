import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { kinds, makeOrder, stateOf, symbol, TestSession, trades } from './test-session.ts';
import { depth, market, order } from './views.ts';

let session: TestSession;

beforeEach(() => {
  session = new TestSession();
});

describe('a limit order', () => {
  it('rests when nothing on the other side is within its price', () => {
    session.submit('ask', { side: 'sell', price: 101 });
    const outcome = session.submit('bid', { side: 'buy', price: 100, quantity: 4 });
    assert.deepEqual(outcome.events, [
      {
        kind: 'accepted',
        order: makeOrder('bid', { side: 'buy', price: 100, quantity: 4 }),
        time: session.clock,
      },
      {
        kind: 'book',
        symbol,
        sequence: 2,
        changes: [{ side: 'buy', price: 100, quantity: 4 }],
        time: session.clock,
      },
    ]);
    assert.equal(stateOf(outcome).status, 'open');
    assert.deepEqual(depth(session.state, symbol), {
      symbol,
      sequence: 2,
      bids: [[100, 4]],
      asks: [[101, 10]],
    });
  });

  it('trades at the price of the maker, never at its own', () => {
    session.submit('ask', { side: 'sell', price: 95 });
    const { events } = session.submit('bid', { side: 'buy', price: 100 });
    assert.deepEqual(trades(events), [['ask', 95, 10]]);
  });

  it('says all that happened, in order, with the net book change last', () => {
    session.submit('a1', { side: 'sell', price: 100, quantity: 3 });
    session.submit('a2', { side: 'sell', price: 101, quantity: 5 });
    const { events } = session.submit('bid', { side: 'buy', price: 102, quantity: 10 });
    const base = { symbol, time: session.clock };
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
    session.submit('a1', { side: 'sell', price: 9_007_199_254_740_991, quantity: 3 });
    session.submit('a2', { side: 'sell', price: 9_007_199_254_740_990, quantity: 5 });
    const taken = stateOf(session.submit('bid', { price: Number.MAX_SAFE_INTEGER, quantity: 8 }));
    assert.equal(taken.value, 5n * 9_007_199_254_740_990n + 3n * 9_007_199_254_740_991n);
    assert.equal(taken.status, 'filled');
  });
});

describe('priority', () => {
  it('goes to the best price first, on both sides', () => {
    for (const price of [103, 101, 102]) session.submit(`ask ${price}`, { side: 'sell', price, quantity: 1 });
    for (const price of [97, 99, 98]) session.submit(`bid ${price}`, { side: 'buy', price, quantity: 1 });
    assert.deepEqual(trades(session.submit('b', { side: 'buy', price: 110, quantity: 3 }).events), [
      ['ask 101', 101, 1],
      ['ask 102', 102, 1],
      ['ask 103', 103, 1],
    ]);
    assert.deepEqual(trades(session.submit('s', { side: 'sell', price: 90, quantity: 3 }).events), [
      ['bid 99', 99, 1],
      ['bid 98', 98, 1],
      ['bid 97', 97, 1],
    ]);
  });

  it('goes to the oldest order within a price', () => {
    for (const id of ['first', 'second', 'third']) session.submit(id, { side: 'sell', quantity: 2 });
    assert.deepEqual(trades(session.submit('b', { quantity: 5 }).events), [
      ['first', 100, 2],
      ['second', 100, 2],
      ['third', 100, 1],
    ]);
  });

  it('stays with a maker that was filled in part', () => {
    session.submit('first', { side: 'sell', quantity: 10 });
    session.submit('second', { side: 'sell', quantity: 10 });
    session.submit('b1', { quantity: 4 });
    assert.deepEqual(session.queue(), ['first:6', 'second:10']);
    assert.deepEqual(trades(session.submit('b2', { quantity: 7 }).events), [
      ['first', 100, 6],
      ['second', 100, 1],
    ]);
  });

  it('stays with the others when one in the middle of the queue is cancelled', () => {
    for (const id of ['first', 'second', 'third']) session.submit(id, { side: 'sell', quantity: 2 });
    session.cancel('second');
    assert.deepEqual(session.queue(), ['first:2', 'third:2']);
    session.submit('fourth', { side: 'sell', quantity: 2 });
    session.cancel('fourth');
    session.cancel('first');
    assert.deepEqual(session.queue(), ['third:2']);
  });

  it('is lost by cancelling and submitting again', () => {
    session.submit('first', { side: 'sell', quantity: 2 });
    session.submit('second', { side: 'sell', quantity: 2 });
    session.cancel('first');
    session.submit('first again', { side: 'sell', quantity: 2 });
    assert.deepEqual(session.queue(), ['second:2', 'first again:2']);
  });

  it('holds through many levels, whatever the order in which they came and went', () => {
    const prices = Array.from({ length: 200 }, (_, index) => 1 + ((index * 73) % 200));
    for (const price of prices)
      session.submit(`ask ${price}`, { side: 'sell', price: 1_000 + price, quantity: 1 });
    for (const price of prices.filter((price) => price % 3 === 0)) session.cancel(`ask ${price}`);
    const left = prices.filter((price) => price % 3 !== 0).sort((one, other) => one - other);
    const outcome = session.submit('all', { type: 'market', quantity: 1_000 });
    assert.deepEqual(
      trades(outcome.events).map(([, price]) => price - 1_000),
      left,
    );
  });
});

describe('an immediate-or-cancel order', () => {
  it('gives up its remainder and never rests', () => {
    session.submit('ask', { side: 'sell', price: 100, quantity: 3 });
    session.submit('worse', { side: 'sell', price: 101, quantity: 3 });
    const outcome = session.submit('ioc', { price: 100, quantity: 10, timeInForce: 'ioc' });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'trade', 'filled', 'filled', 'cancelled', 'book']);
    const { filled, cancelled, remaining, status } = stateOf(outcome);
    assert.deepEqual([filled, cancelled, remaining, status], [3, 7, 0, 'cancelled']);
    assert.deepEqual(depth(session.state, symbol)?.bids, []);
    assert.equal(order(session.state, 'ioc'), undefined);
  });

  it('that finds nothing is cancelled whole and leaves no mark on the market', () => {
    const outcome = session.submit('ioc', { timeInForce: 'ioc' });
    const { account, side } = makeOrder('ioc', {});
    const cancelled = {
      kind: 'cancelled',
      orderId: 'ioc',
      account,
      symbol,
      side,
      remaining: 10,
      reason: 'ioc',
      time: session.clock,
    };
    assert.deepEqual(outcome.events.slice(1), [cancelled]);
    assert.equal(market(session.state, symbol)?.sequence, 0);
  });
});

describe('a market order', () => {
  it('without liquidity is cancelled, not rested', () => {
    const outcome = session.submit('m', { type: 'market' });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'cancelled']);
    assert.ok(outcome.events[1]?.kind === 'cancelled' && outcome.events[1].reason === 'no_liquidity');
    assert.equal(stateOf(outcome).price, undefined);
    assert.deepEqual(depth(session.state, symbol)?.bids, []);
  });

  it('never rests, even when it says good till cancelled', () => {
    session.submit('ask', { side: 'sell', quantity: 3 });
    const outcome = session.submit('m', { type: 'market', timeInForce: 'gtc', quantity: 5 });
    assert.deepEqual(kinds(outcome.events), ['accepted', 'trade', 'filled', 'filled', 'cancelled', 'book']);
    assert.equal(stateOf(outcome).cancelled, 2);
    assert.equal(depth(session.state, symbol)?.bids.length, 0);
  });

  it('stops at its protection price, on both sides', () => {
    session.submit('a1', { side: 'sell', price: 100, quantity: 1 });
    session.submit('a2', { side: 'sell', price: 102, quantity: 1 });
    const bought = session.submit('mb', { type: 'market', protection: 101, quantity: 5 });
    assert.deepEqual(trades(bought.events), [['a1', 100, 1]]);
    const given = bought.events.find((event) => event.kind === 'cancelled');
    assert.deepEqual([given?.reason, given?.remaining], ['protection', 4]);
    session.submit('b1', { side: 'buy', price: 99, quantity: 1 });
    session.submit('b2', { side: 'buy', price: 97, quantity: 1 });
    const sold = session.submit('ms', { type: 'market', side: 'sell', protection: 97, quantity: 5 });
    assert.deepEqual(trades(sold.events), [
      ['b1', 99, 1],
      ['b2', 97, 1],
    ]);
    assert.equal(sold.events.find((event) => event.kind === 'cancelled')?.reason, 'no_liquidity');
  });

  it('ignores a price, as a limit order ignores a protection', () => {
    session.submit('ask', { side: 'sell', price: 100, quantity: 1 });
    assert.equal(trades(session.submit('m', { type: 'market', price: 1, quantity: 1 }).events).length, 1);
    session.submit('ask 2', { side: 'sell', price: 100, quantity: 1 });
    assert.equal(trades(session.submit('l', { price: 100, protection: 1, quantity: 1 }).events).length, 1);
  });
});

describe('the same account on both sides', () => {
  it('trades with itself', () => {
    session.submit('a', { side: 'sell', account: 'me', quantity: 1 });
    const { events } = session.submit('b', { side: 'buy', account: 'me', quantity: 1 });
    const trade = events.find((event) => event.kind === 'trade');
    assert.deepEqual([trade?.makerAccount, trade?.takerAccount], ['me', 'me']);
  });
});
