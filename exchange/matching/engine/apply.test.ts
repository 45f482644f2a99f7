import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import { apply } from './apply.ts';
import { check } from './invariants.ts';
import type { OrderState } from './outcome.ts';
import { createState } from './state.ts';
import { stateHash } from './state-hash.ts';
import { kinds, makeOrder, stateOf, symbol, TestSession, trades } from './test-session.ts';
import { market, order } from './views.ts';

let session: TestSession;

beforeEach(() => {
  session = new TestSession();
});

describe('a cancel', () => {
  it('removes the order and reports the level', () => {
    session.submit('one', { quantity: 3 });
    session.submit('two', { quantity: 4 });
    const { result, events } = session.cancel('one', 'owner of one');
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
    session.submit('one', { quantity: 10 });
    session.submit('s', { side: 'sell', quantity: 4 });
    const { result } = session.cancel('one');
    assert.ok(result.kind === 'cancelled');
    const { filled, cancelled, remaining, value } = result.order;
    assert.deepEqual([filled, cancelled, remaining, value], [4, 6, 0, 400n]);
  });

  it('has no effect on an order of another account, an unknown one, or one that is done', () => {
    session.submit('one', {});
    const before = stateHash(session.state);
    assert.deepEqual(session.cancel('one', 'somebody else'), { result: { kind: 'not_owner' }, events: [] });
    assert.deepEqual(session.cancel('never seen'), { result: { kind: 'not_found' }, events: [] });
    const done: OrderState = { ...order(session.state, 'one')!, id: 'old', status: 'filled' };
    const known = (id: string) => (id === 'old' ? done : undefined);
    const late = apply(session.state, { kind: 'cancel', time: session.clock, orderId: 'old' }, known);
    assert.deepEqual(late, { result: { kind: 'not_open', order: done }, events: [] });
    const theirs = apply(
      session.state,
      { kind: 'cancel', time: session.clock, orderId: 'old', account: 'x' },
      known,
    );
    assert.deepEqual(theirs.result, { kind: 'not_owner' });
    assert.equal(stateHash(session.state), before);
  });
});

describe('an order id', () => {
  it('that is live is a duplicate: the answer is the order as it stands', () => {
    session.submit('one', { quantity: 10 });
    session.submit('s', { side: 'sell', quantity: 4 });
    const before = stateHash(session.state);
    const again = session.submit('one', { quantity: 99, side: 'sell' });
    assert.deepEqual(again.result, { kind: 'duplicate', order: order(session.state, 'one') });
    assert.equal(stateOf(again).filled, 4);
    assert.deepEqual(again.events, []);
    assert.equal(stateHash(session.state), before);
  });

  it('that is older is looked up, so that memory stays bounded by what is live', () => {
    const first = session.submit('one', { timeInForce: 'ioc' });
    assert.equal(session.state.orders.size, 0);
    const old = stateOf(first);
    const command = { kind: 'submit', time: session.clock, order: makeOrder('one', {}) } as const;
    const again = apply(session.state, command, (id) => (id === 'one' ? old : undefined));
    assert.deepEqual(again, { result: { kind: 'duplicate', order: old }, events: [] });
  });

  it('may look like anything, even a property of every object', () => {
    for (const id of ['__proto__', 'constructor', 'toString', '\ud800', '"', '\n']) {
      assert.equal(session.submit(id, {}).result.kind, 'accepted');
      assert.equal(session.submit(id, {}).result.kind, 'duplicate');
      assert.equal(session.cancel(id).result.kind, 'cancelled');
    }
  });
});

describe('an abandon', () => {
  it('of an unknown id refuses the order when it arrives late', () => {
    const outcome = apply(session.state, { kind: 'abandon', time: session.clock, orderId: 'lost' });
    assert.deepEqual(outcome.result, { kind: 'abandoned' });
    assert.deepEqual(outcome.events, [{ kind: 'abandoned', orderId: 'lost', time: session.clock }]);
    const before = stateHash(session.state);
    assert.deepEqual(session.submit('lost', {}), { result: { kind: 'abandoned' }, events: [] });
    const again = apply(session.state, { kind: 'abandon', time: session.clock + 5, orderId: 'lost' });
    assert.deepEqual(again, { result: { kind: 'abandoned' }, events: [] });
    assert.equal(stateHash(session.state), before);
  });

  it('of a known order has no effect and tells how the order stands', () => {
    session.submit('one', {});
    const live = apply(session.state, { kind: 'abandon', time: session.clock, orderId: 'one' });
    assert.deepEqual(live, { result: { kind: 'known', order: order(session.state, 'one') }, events: [] });
    const old = stateOf(session.submit('two', { timeInForce: 'ioc', side: 'sell', price: 900 }));
    const done = apply(session.state, { kind: 'abandon', time: session.clock, orderId: 'two' }, () => old);
    assert.deepEqual(done, { result: { kind: 'known', order: old }, events: [] });
  });

  it('is forgotten after the retention, by the time of commands, and then looked up', () => {
    const state = createState({ abandonRetention: 100 });
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

describe('a market', () => {
  it('that is halted or closed refuses orders, allows cancels and keeps its queue', () => {
    for (const [status, reason] of [
      ['halted', 'market_halted'],
      ['closed', 'market_closed'],
    ] as const) {
      session.submit(`${status} one`, { side: 'sell' });
      session.submit(`${status} two`, { side: 'sell' });
      const changed = apply(session.state, { kind: 'status', symbol, status, time: session.clock });
      assert.deepEqual(changed.events, [{ kind: 'status', symbol, status, time: session.clock }]);
      const refused = session.submit(`${status} b`, {});
      assert.ok(refused.result.kind === 'rejected' && refused.result.reason === reason);
      assert.equal(session.cancel(`${status} one`).result.kind, 'cancelled');
      apply(session.state, { kind: 'status', symbol, status: 'open', time: session.clock });
      assert.deepEqual(trades(session.submit(`${status} b2`, {}).events), [[`${status} two`, 100, 10]]);
    }
  });

  it('is listed once, and its status changes only to another', () => {
    assert.deepEqual(apply(session.state, { kind: 'list', symbol, time: 1 }), {
      result: { kind: 'exists' },
      events: [],
    });
    const same = apply(session.state, { kind: 'status', symbol, status: 'open', time: 1 });
    assert.deepEqual(same, { result: { kind: 'unchanged' }, events: [] });
    const unknown = apply(session.state, { kind: 'status', symbol: 'NOPE', status: 'open', time: 1 });
    assert.deepEqual(unknown, { result: { kind: 'unknown_symbol' }, events: [] });
    const listed = apply(session.state, { kind: 'list', symbol: 'NEW', status: 'halted', time: 2_000 });
    assert.deepEqual(listed.events, [{ kind: 'listed', symbol: 'NEW', status: 'halted', time: 2_000 }]);
    assert.equal(market(session.state, 'NEW')?.status, 'halted');
  });

  it('has its own sequence and its own trade ids', () => {
    apply(session.state, { kind: 'list', symbol: 'ETH-USD', time: session.clock });
    for (const [index, name] of [symbol, 'ETH-USD', symbol].entries()) {
      session.submit(`s${index}`, { symbol: name, side: 'sell' });
      session.submit(`b${index}`, { symbol: name, side: 'buy' });
    }
    assert.deepEqual(
      [market(session.state, symbol)?.sequence, market(session.state, symbol)?.tradeId],
      [6, 2],
    );
    assert.deepEqual(
      [market(session.state, 'ETH-USD')?.sequence, market(session.state, 'ETH-USD')?.tradeId],
      [3, 1],
    );
  });
});

describe('time', () => {
  it('never goes back, and a command without effect does not move it', () => {
    session.submit('one', {});
    const now = session.state.time;
    session.cancel('never seen');
    apply(session.state, { kind: 'submit', time: now + 1_000, order: makeOrder('one', {}) });
    assert.equal(session.state.time, now);
    for (const time of [now - 500, Number.NaN, Number.POSITIVE_INFINITY]) {
      const outcome = apply(session.state, { kind: 'submit', time, order: makeOrder(`at ${time}`, {}) });
      assert.equal(outcome.events[0]?.time, now);
    }
    assert.deepEqual(check(session.state), []);
  });
});
