import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { apply } from './apply.ts';
import type { Command, NewOrder } from './command.ts';
import { EngineError, type EngineErrorCode } from './engine-error.ts';
import { restore, type Snapshot, snapshot } from './snapshot.ts';
import { createState, type EngineState } from './state.ts';
import { stateHash } from './state-hash.ts';
import { openOrders } from './views.ts';

function limit(id: string, details: Partial<NewOrder>): Command {
  const order: NewOrder = {
    id,
    account: 'ann',
    symbol: 'BTC-USD',
    side: 'sell',
    type: 'limit',
    price: 100,
    quantity: 10,
    timeInForce: 'gtc',
    ...details,
  };
  return { kind: 'submit', time: 5, order };
}

function traded(): EngineState {
  const state = createState();
  const commands: Command[] = [
    { kind: 'list', symbol: 'BTC-USD', time: 1 },
    limit('first', {}),
    limit('second', {}),
    limit('far', { price: 120 }),
    limit('bid', { side: 'buy', price: 90 }),
    limit('taker', { side: 'buy', quantity: 4 }),
    { kind: 'abandon', time: 9, orderId: 'lost' },
  ];
  for (const command of commands) apply(state, command);
  return state;
}

function stored(state: EngineState): Snapshot {
  return JSON.parse(JSON.stringify(snapshot(state)));
}

/** A copy of `source` with another value at `path`. */
function withValue(source: unknown, path: readonly (string | number)[], value: unknown): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return value;
  const inner = withValue((source as Record<string | number, unknown>)[key], rest, value);
  return Array.isArray(source) ? source.with(Number(key), inner) : { ...(source as object), [key]: inner };
}

function refuses(code: EngineErrorCode, source: unknown): void {
  assert.throws(
    () => restore(source),
    (error) => error instanceof EngineError && error.code === code,
  );
}

describe('restore', () => {
  it('brings back queues, partial fills, sequences, trade ids and abandoned ids', () => {
    const state = traded();
    const copy = restore(stored(state));
    assert.equal(stateHash(copy), stateHash(state));
    assert.deepEqual([...openOrders(copy)], [...openOrders(state)]);
    for (const command of [limit('next', { side: 'buy', quantity: 7 }), limit('lost', {})]) {
      assert.deepEqual(apply(copy, command), apply(state, command));
    }
  });

  it('gives a partly filled maker its old place and not the place of a new order', () => {
    const copy = restore(stored(traded()));
    const { events } = apply(copy, limit('next', { side: 'buy', quantity: 7 }));
    const makers = events.flatMap((event) =>
      event.kind === 'trade' ? [[event.makerOrderId, event.quantity, event.id]] : [],
    );
    assert.deepEqual(makers, [
      ['first', 6, 2],
      ['second', 1, 3],
    ]);
  });

  it('shares nothing with the state the snapshot was taken from', () => {
    const state = traded();
    const before = stateHash(state);
    const copy = restore(snapshot(state));
    apply(copy, limit('sweep', { side: 'buy', quantity: 20 }));
    assert.equal(stateHash(state), before);
    assert.notEqual(stateHash(copy), before);
  });

  it('refuses another format', () => {
    for (const source of [undefined, null, 7, 'text', [], {}, { ...stored(traded()), format: 2 }]) {
      refuses('snapshot_format', source);
    }
  });

  it('refuses a snapshot in which anything was changed, and leaves the running engine alone', () => {
    const state = traded();
    const before = stateHash(state);
    const damages: [path: (string | number)[], value: unknown][] = [
      [['time'], 10],
      [['hash'], ''],
      [['abandonRetention'], 1],
      [['abandoned'], []],
      [['markets'], undefined],
      [['markets', 0, 'sequence'], 60],
      [['markets', 0, 'tradeId'], 2],
      [['markets', 0, 'status'], 'halted'],
      [['markets', 0, 'asks', 0, 'orders', 0, 'remaining'], 7],
      [['markets', 0, 'asks', 0, 'orders', 0, 'remaining'], 0],
      [['markets', 0, 'asks', 0, 'orders', 0, 'value'], '401'],
      [['markets', 0, 'asks', 0, 'orders', 0, 'value'], 'many'],
      [['markets', 0, 'asks', 0, 'orders', 0, 'account'], 'bob'],
      [['markets', 0, 'asks', 0, 'orders', 1, 'id'], 'first'],
      [['markets', 0, 'asks', 0, 'orders', 1], undefined],
      [['markets', 0, 'bids', 0, 'price'], 100],
      [['markets', 0, 'bids', 0, 'orders'], []],
    ];
    for (const [path, value] of damages) {
      refuses('snapshot_damaged', withValue(stored(state), path, value));
      assert.equal(stateHash(state), before);
    }
    const swapped = stored(state);
    const level = swapped.markets[0]!.asks[0]!;
    const reversed = { ...level, orders: level.orders.toReversed() };
    refuses('snapshot_damaged', withValue(swapped, ['markets', 0, 'asks', 0], reversed));
    restore(stored(state));
  });
});

describe('the state hash', () => {
  it('does not change from one build to the next', () => {
    assert.equal(stateHash(traded()), '95896e00b920379649abd619746ce66a653aaa97a81c45b275bf0a434ab87e64');
  });

  it('tells apart states that differ only in the order of a queue', () => {
    const hashes = [
      ['a', 'b'],
      ['b', 'a'],
    ].map((ids) => {
      const state = createState();
      apply(state, { kind: 'list', symbol: 'BTC-USD', time: 1 });
      for (const id of ids) apply(state, limit(id, {}));
      return stateHash(state);
    });
    assert.notEqual(hashes[0], hashes[1]);
  });
});
