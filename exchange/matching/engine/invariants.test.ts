import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './apply.ts';
import type { LiveOrder } from './book-side.ts';
import { check } from './invariants.ts';
import { createState, type EngineState } from './state.ts';

function rested(): EngineState {
  const state = createState();
  apply(state, { kind: 'list', symbol: 'X', time: 1 });
  const orders = [
    ['b1', 'buy', 90],
    ['b2', 'buy', 90],
    ['b3', 'buy', 80],
    ['a1', 'sell', 100],
    ['a2', 'sell', 110],
  ] as const;
  for (const [id, side, price] of orders) {
    const order = { id, account: 'ann', symbol: 'X', side, price, quantity: 10 };
    apply(state, { kind: 'submit', time: 2, order: { ...order, type: 'limit', timeInForce: 'gtc' } });
  }
  return state;
}

describe('check', () => {
  it('is silent on a sound state', () => {
    assert.deepEqual(check(rested()), []);
    assert.deepEqual(check(createState()), []);
  });

  const damages: [string, RegExp, (state: EngineState) => void][] = [
    ['a crossed book', /crossed/, (state) => state.markets.get('X')!.asks.levels.push(levelAt(state, 'b3'))],
    ['levels out of order', /out of order/, (state) => state.markets.get('X')!.bids.levels.reverse()],
    ['keys that do not mirror the prices', /key/, (state) => state.markets.get('X')!.bids.keys.reverse()],
    ['a wrong total', /sum to/, (state) => Object.assign(levelAt(state, 'b1'), { total: 21 })],
    ['a filled order that rests', /remaining/, (state) => Object.assign(live(state, 'b1'), { remaining: 0 })],
    ['an inflated order', /remaining/, (state) => Object.assign(live(state, 'b1'), { remaining: 11 })],
    [
      'a fill worse than the limit',
      /tick-lots/,
      (state) => Object.assign(live(state, 'b1'), { remaining: 9, value: 91n }),
    ],
    ['a broken queue', /badly linked/, (state) => Object.assign(live(state, 'b2'), { previous: undefined })],
    [
      'a queue that is a ring',
      /not the last/,
      (state) => Object.assign(live(state, 'b2'), { next: live(state, 'b1') }),
    ],
    ['a lost order', /are live but/, (state) => state.orders.delete('a1')],
    [
      'an order that went ahead of an older one',
      /younger/,
      (state) => Object.assign(live(state, 'b2'), { time: 1 }),
    ],
    ['an order from the future', /from time/, (state) => Object.assign(live(state, 'b2'), { time: 3 })],
    ['an order that was abandoned', /abandoned and live/, (state) => state.abandoned.set('a1', 2)],
    [
      'more trades than sequences',
      /trade id/,
      (state) => Object.assign(state.markets.get('X')!, { tradeId: 6 }),
    ],
    ['a time that is no number', /time is/, (state) => Object.assign(state, { time: Number.NaN })],
  ];
  for (const [what, message, damage] of damages) {
    it(`finds ${what}`, () => {
      const state = rested();
      damage(state);
      assert.match(check(state).join('\n'), message);
    });
  }
});

function live(state: EngineState, id: string): LiveOrder {
  return state.orders.get(id)!;
}

function levelAt(state: EngineState, id: string) {
  return live(state, id).level!;
}
