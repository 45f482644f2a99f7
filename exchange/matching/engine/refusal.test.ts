import assert from 'node:assert/strict';
import { beforeEach, describe, it } from 'node:test';
import type { NewOrder } from './command.ts';
import { kinds, symbol, TestSession } from './test-session.ts';
import { depth, order } from './views.ts';

let session: TestSession;

beforeEach(() => {
  session = new TestSession();
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
      session.submit('ask', { side: 'sell', price: 100 });
      const before = depth(session.state, symbol);
      const outcome = session.submit('poison', details);
      assert.ok(outcome.result.kind === 'rejected');
      assert.equal(outcome.result.reason, reason);
      assert.equal(outcome.result.order.status, 'rejected');
      assert.deepEqual(kinds(outcome.events), ['rejected']);
      assert.deepEqual(depth(session.state, symbol), before);
      assert.equal(order(session.state, 'poison'), undefined);
    });
  }

  it('is one that would overflow its level', () => {
    session.submit('one', { quantity: Number.MAX_SAFE_INTEGER - 5 });
    const outcome = session.submit('two', { quantity: 6 });
    assert.ok(outcome.result.kind === 'rejected' && outcome.result.reason === 'level_full');
    assert.equal(session.submit('three', { quantity: 5 }).result.kind, 'accepted');
    assert.equal(session.submit('four', { quantity: 6, price: 99 }).result.kind, 'accepted');
  });
});
