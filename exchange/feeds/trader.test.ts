import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EngineEvent, Order, OrderState } from '@exchange/matching';
import { instrumentUnits } from '@exchange/reference/units';
import { Risk } from '@exchange/risk';
import { type FlotillaError, platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { Action, SubmitAction, View } from './participants/index.ts';
import { Trader, type TraderClients } from './trader.ts';

const units = instrumentUnits(
  { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.0001' },
  { USD: 6, BTC: 8 },
);
const account = 'acc-1';

type PlaceInput = Parameters<TraderClients['Risk']['place']>[0];
type PlaceOptions = Parameters<TraderClients['Risk']['place']>[1];

/** Risk and matching, whose answers the test gives: `undefined` keeps the caller waiting. */
class Counter {
  readonly placed: { input: PlaceInput; options: PlaceOptions }[] = [];
  readonly cancelled: string[] = [];
  /** What becomes of the next calls; the last one stays. */
  places: (Partial<Order> | FlotillaError)[] = [{}];
  cancels: (FlotillaError | undefined)[] = [undefined];
  readonly clients: TraderClients = {
    Risk: {
      place: async (input, options) => {
        this.placed.push({ input, options });
        const answer = this.places.length > 1 ? this.places.shift()! : this.places[0]!;
        if (answer instanceof Error) throw answer;
        return orderOf(input, answer);
      },
    },
    Matching: {
      cancel: async ({ id }) => {
        this.cancelled.push(id);
        const answer = this.cancels.length > 1 ? this.cancels.shift() : this.cancels[0];
        if (answer) throw answer;
        return orderOf(
          { clientOrderId: 'x', symbol: 'BTC-USD', side: 'buy', type: 'limit', quantity: '1' },
          { id },
        );
      },
    },
  };
}

function orderOf(input: PlaceInput, answer: Partial<Order>): Order {
  const { clientOrderId, symbol, side, type, price = null, quantity, timeInForce = 'gtc' } = input;
  return {
    id: `order-of-${clientOrderId}`,
    clientOrderId,
    symbol,
    side,
    type,
    price,
    quantity,
    timeInForce,
    status: 'open',
    filled: '0.0000',
    remaining: quantity,
    averagePrice: null,
    createdAt: '2024-08-09T00:00:00.000Z',
    ...answer,
  };
}

interface Desk {
  readonly trader: Trader;
  readonly counter: Counter;
  readonly tally: { submitted: number; rejected: number };
  readonly stop: AbortController;
  /** What the participant sees at its next decision. */
  look(): View;
  /** Lets it take these actions. */
  act(...actions: Action[]): void;
}

function desk(position = 0, resting: OrderState[] = []): Desk {
  const counter = new Counter();
  const tally = { submitted: 0, rejected: 0 };
  const stop = new AbortController();
  let seen: View | undefined;
  let wanted: Action[] = [];
  const trader = new Trader({
    participant: {
      name: 'maker-BTC-USD',
      symbol: 'BTC-USD',
      decide(view) {
        seen = { ...view, own: view.own.map((order) => ({ ...order })) };
        const actions = wanted;
        wanted = [];
        return actions;
      },
    },
    epoch: 'e2',
    account,
    units,
    clients: counter.clients,
    position,
    resting,
    log: silentLogger,
    signal: stop.signal,
  });
  const act = (...actions: Action[]): void => {
    wanted = actions;
    trader.act(0, 1_000, { bestBid: undefined, bestAsk: undefined }, tally);
  };
  return {
    trader,
    counter,
    tally,
    stop,
    act,
    look() {
      act();
      return seen!;
    },
  };
}

function submit(name: string, details: Partial<SubmitAction> = {}): SubmitAction {
  const clientOrderId = `maker-BTC-USD-e2-${name}`;
  const order = { side: 'buy', type: 'limit', price: 6_000_000, quantity: 10, timeInForce: 'gtc' } as const;
  return { kind: 'submit', clientOrderId, ...order, ...details };
}

const idOf = (name: string) => `order-of-maker-BTC-USD-e2-${name}`;

function accepted(orderId: string, clientOrderId: string, quantity = 10): EngineEvent {
  const order = {
    id: orderId,
    clientOrderId,
    account,
    symbol: 'BTC-USD',
    price: 6_000_000,
    quantity,
  } as const;
  return { kind: 'accepted', order: { ...order, side: 'buy', type: 'limit', timeInForce: 'gtc' }, time: 1 };
}

function filled(orderId: string, quantity: number, remaining: number): EngineEvent {
  const who = { orderId, account, symbol: 'BTC-USD', side: 'buy', time: 1 } as const;
  return { kind: 'filled', ...who, role: 'maker', tradeId: 1, price: 6_000_000, quantity, remaining };
}

function gone(orderId: string, remaining: number): EngineEvent {
  const who = { orderId, account, symbol: 'BTC-USD', side: 'buy', time: 1 } as const;
  return { kind: 'cancelled', ...who, remaining, reason: 'requested' };
}

const restingOrder: OrderState = {
  id: 'order-from-before',
  clientOrderId: 'maker-BTC-USD-e1-7',
  account,
  symbol: 'BTC-USD',
  side: 'sell',
  type: 'limit',
  price: 6_100_000,
  quantity: 10,
  timeInForce: 'gtc',
  filled: 4,
  cancelled: 0,
  remaining: 6,
  value: '0',
  status: 'open',
  time: 1,
};

describe('placing', () => {
  test('an order goes to risk in decimals, as its account, and counts from the moment of the decision', async () => {
    const { act, look, counter, tally } = desk();
    act(submit('1'));
    assert.deepEqual(
      look().own.map(({ orderId, remaining }) => [orderId, remaining]),
      [[undefined, 10]],
    );
    await waitFor(() => look().own[0]?.orderId !== undefined);
    const [{ input, options }] = counter.placed as [(typeof counter.placed)[number]];
    assert.deepEqual(input, {
      clientOrderId: 'maker-BTC-USD-e2-1',
      symbol: 'BTC-USD',
      side: 'buy',
      type: 'limit',
      price: '60000.00',
      quantity: '0.0010',
      timeInForce: 'gtc',
    });
    assert.equal(options!.user!.subject, account);
    assert.ok(options!.user!.scopes.includes('orders:write'));
    assert.deepEqual([look().own[0]!.orderId, tally], [idOf('1'), { submitted: 1, rejected: 0 }]);
  });

  test('a market order has no price', async () => {
    const { act, counter } = desk();
    act({
      kind: 'submit',
      clientOrderId: 'maker-BTC-USD-e2-1',
      side: 'sell',
      type: 'market',
      quantity: 3,
      timeInForce: 'ioc',
    });
    assert.equal('price' in counter.placed[0]!.input, false);
  });

  test('an order that is filled at once is position, and no open order', async () => {
    const { act, look, counter } = desk(2);
    counter.places = [{ status: 'filled', filled: '0.0010', remaining: '0.0000' }];
    act(submit('1'));
    await waitFor(() => look().own.length === 0);
    assert.equal(look().position, 12);
  });

  test('a refused order never was: there is no position and nothing open, and it is counted', async () => {
    const refusals = [
      Risk.place.error('insufficient_funds', { asset: 'USD', required: '1', available: '0' }),
      platformError('invalid_argument', 'no'),
      platformError('conflict', 'no'),
    ];
    for (const refusal of refusals) {
      const { act, look, counter, tally } = desk(5);
      counter.places = [refusal];
      act(submit('1'));
      await waitFor(() => look().own.length === 0);
      assert.deepEqual([look().position, tally], [5, { submitted: 1, rejected: 1 }]);
      assert.equal(counter.placed.length, 1);
    }
  });

  test('an order of unknown outcome counts until it is known, and is asked for under the same client order id', async () => {
    const unknown = [
      platformError('unavailable', 'away', { data: { executed: 'unknown' } }),
      platformError('deadline_exceeded', 'slow'),
      platformError('internal', 'failed'),
    ];
    const { act, look, counter, tally } = desk();
    counter.places = [...unknown, { filled: '0.0004', remaining: '0.0006', status: 'partially_filled' }];
    act(submit('1'));
    await waitFor(() => counter.placed.length > 1);
    assert.equal(look().own[0]!.remaining, 10);
    await waitFor(() => look().own[0]?.orderId === idOf('1'));
    assert.equal(counter.placed.length, 4);
    for (const { input } of counter.placed) assert.deepEqual(input, counter.placed[0]!.input);
    assert.deepEqual([look().position, look().own[0]!.remaining], [4, 6]);
    assert.deepEqual(tally, { submitted: 1, rejected: 0 });
  });

  test('after the end nothing more is asked for', async () => {
    const { act, counter, stop } = desk();
    counter.places = [platformError('unavailable', 'away')];
    act(submit('1'));
    await waitFor(() => counter.placed.length === 1);
    stop.abort();
    act(submit('2'));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(counter.placed.length, 1);
  });
});

describe('following the log', () => {
  test('fills count once, whether the answer or the log is first', async () => {
    const { act, look, trader, counter } = desk();
    counter.places = [{ filled: '0.0004', remaining: '0.0006', status: 'partially_filled' }];
    act(submit('1'));
    trader.observe(accepted(idOf('1'), 'maker-BTC-USD-e2-1'));
    trader.observe(filled(idOf('1'), 4, 6));
    trader.observe(filled(idOf('1'), 1, 5));
    assert.equal(look().position, 0, 'whose fills these are is not known before the answer');
    await waitFor(() => look().own[0]?.orderId !== undefined);
    assert.deepEqual([look().position, look().own[0]!.remaining], [5, 5]);
    trader.observe(filled(idOf('1'), 5, 0));
    assert.deepEqual([look().position, look().own], [10, []]);
  });

  test('an order that was filled whole before its answer came is not open', async () => {
    const { act, look, trader } = desk();
    act(submit('1'));
    trader.observe(accepted(idOf('1'), 'maker-BTC-USD-e2-1'));
    trader.observe(filled(idOf('1'), 10, 0));
    await waitFor(() => look().own.length === 0);
    assert.equal(look().position, 10);
  });

  test('an own order whose events come after its answer is not taken for one of an earlier process', async () => {
    const { act, look, trader, counter } = desk();
    counter.places = [{ status: 'filled', filled: '0.0010', remaining: '0.0000' }];
    act(submit('1'));
    await waitFor(() => look().own.length === 0);
    trader.observe(accepted(idOf('1'), 'maker-BTC-USD-e2-1'));
    trader.observe(filled(idOf('1'), 10, 0));
    assert.deepEqual([look().position, look().own], [10, []]);
  });

  test('resting orders and the position from before are there, and go on to count', () => {
    const { look, trader } = desk(-4, [restingOrder]);
    assert.deepEqual(
      look().own.map(({ orderId, remaining, price }) => [orderId, remaining, price]),
      [['order-from-before', 6, 6_100_000]],
    );
    trader.observe({ ...filled('order-from-before', 5, 1), side: 'sell' } as EngineEvent);
    assert.deepEqual([look().position, look().own[0]!.remaining], [-9, 1]);
    trader.observe(gone('order-from-before', 1));
    assert.deepEqual([look().position, look().own], [-9, []]);
  });

  test('an order that an earlier process sent and that comes through only now is taken over', () => {
    const { look, trader } = desk();
    trader.observe(accepted('order-late', 'maker-BTC-USD-e1-9'));
    assert.deepEqual(
      look().own.map(({ orderId, remaining }) => [orderId, remaining]),
      [['order-late', 10]],
    );
    trader.observe(filled('order-late', 3, 7));
    assert.equal(look().position, 3);
  });
});

describe('cancelling', () => {
  const away = platformError('unavailable', 'away');

  test('a cancelled order stays open until the log says that it is gone', async () => {
    const { act, look, trader, counter } = desk(0, [restingOrder]);
    act({ kind: 'cancel', orderId: 'order-from-before' });
    await waitFor(() => counter.cancelled.length === 1);
    assert.equal(look().own[0]!.cancelling, true);
    trader.observe(gone('order-from-before', 6));
    assert.deepEqual(look().own, []);
  });

  test('a cancel that did not get through may be tried again; one of a closed order is not', async () => {
    for (const [failure, again] of [
      [away, true],
      [platformError('internal', 'failed'), true],
      [platformError('not_found', 'there is no order'), false],
    ] as const) {
      const { act, look, counter } = desk(0, [restingOrder]);
      counter.cancels = [failure];
      act({ kind: 'cancel', orderId: 'order-from-before' });
      await waitFor(() => counter.cancelled.length === 1);
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(look().own[0]!.cancelling, !again);
    }
  });
});
