import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { FlotillaError } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { CrashableExchange, request } from './testing/crashable-exchange.ts';

let exchange: CrashableExchange;
beforeEach(async () => {
  exchange = new CrashableExchange();
  await exchange.open();
});
afterEach(() => exchange.close());

/** Places an order that is expected to fail with `code`. */
async function fails(clientOrderId: string, code: string): Promise<void> {
  await assert.rejects(exchange.risk.place('alice', request({ clientOrderId })), (error) => {
    assert.ok(error instanceof FlotillaError);
    assert.equal(error.code, code);
    return true;
  });
}

const place = (clientOrderId: string) => exchange.risk.place('alice', request({ clientOrderId }));
const usd = () => exchange.risk.core.books.balances.of('alice').find(({ asset }) => asset === 'USD')!;
const unfinished = () => [...exchange.risk.core.books.orders.unfinished()];

/** Orders that the engine took, by the client's id. */
function taken(clientOrderId: string): number {
  return exchange.matching.published.entries
    .flatMap(({ events }) => events)
    .filter((event) => event.kind === 'accepted' && event.order.clientOrderId === clientOrderId).length;
}

describe('a call to the engine that fails', () => {
  test('when it never left, the order is undone at once', async () => {
    exchange.matching.faults.push('refused');
    await fails('a', 'unavailable');
    assert.deepEqual([usd().available, usd().held], [3_000_000_000n, 0n]);
    assert.deepEqual(unfinished(), []);
    const placed = await place('a');
    assert.deepEqual([placed.replayed, placed.order.status], [false, 'open']);
    await exchange.settle();
    exchange.check();
  });

  test('when the engine was too busy to read it, the order is undone at once, and the client told when to come again', async () => {
    exchange.matching.faults.push('overloaded');
    await assert.rejects(place('a'), { code: 'overloaded', retryAfterMs: 50, message: /was not placed/ });
    assert.deepEqual([usd().available, usd().held], [3_000_000_000n, 0n]);
    assert.deepEqual(unfinished(), []);
    assert.equal((await place('a')).replayed, false);
    await exchange.settle();
    exchange.check();
  });

  test('when it was lost on the way, the engine is asked to give the order up, and it can be placed again', async () => {
    exchange.matching.faults.push('request lost');
    await fails('a', 'unavailable');
    await exchange.settle();
    assert.deepEqual([usd().available, usd().held], [3_000_000_000n, 0n]);
    assert.equal(taken('a'), 0);
    assert.equal((await place('a')).replayed, false);
    assert.equal(taken('a'), 1);
    await exchange.settle();
    exchange.check();
  });

  test('when only the answer was lost, the order stands, and the same request gives it', async () => {
    exchange.matching.faults.push('answer lost');
    await fails('a', 'unavailable');
    await exchange.settle();
    assert.equal(usd().held, 100_000_000n);
    const again = await place('a');
    assert.deepEqual([again.replayed, again.order.status], [true, 'open']);
    assert.equal(taken('a'), 1);
    exchange.check();
  });

  test('when it arrives after the order was given up, nothing happens', async () => {
    exchange.matching.faults.push('late');
    await fails('a', 'unavailable');
    await waitFor(() => unfinished().length === 0);
    const again = await place('a');
    exchange.matching.deliverLate();
    await exchange.settle();
    assert.equal(taken('a'), 1);
    assert.deepEqual(
      unfinished().map(({ order }) => order.id),
      [again.order.id],
    );
    exchange.check();
  });

  test('when the client tries again before the engine was asked, the order is placed once', async () => {
    // Both the request and the resolver's question are lost; the client's second try gets through.
    exchange.matching.faults.push('request lost', 'refused');
    await fails('a', 'unavailable');
    const again = await place('a').catch(() => place('a'));
    exchange.matching.deliverLate();
    await exchange.settle();
    assert.equal(taken('a'), 1);
    assert.equal(unfinished()[0]?.order.id, again.order.id);
    exchange.check();
  });

  test('a later call that never left does not undo what an earlier one may have done', async () => {
    exchange.matching.faults.push('answer lost', 'refused', 'overloaded', 'refused');
    await fails('a', 'unavailable');
    await fails('a', 'unavailable');
    assert.equal(usd().held, 100_000_000n);
    await exchange.settle();
    assert.equal(taken('a'), 1);
    assert.equal(usd().held, 100_000_000n);
    exchange.check();
  });

  test('a repetition that never left does not undo the order that the engine has', async () => {
    const placed = await place('a');
    exchange.matching.faults.push('refused');
    await fails('a', 'unavailable');
    assert.equal(usd().held, 100_000_000n);
    assert.equal((await place('a')).order.id, placed.order.id);
    await exchange.settle();
    exchange.check();
  });
});

describe('a crash of risk', () => {
  test('after the hold and before the order left: the hold is released', async () => {
    exchange.matching.faults.push('request lost');
    const placing = fails('a', 'unavailable');
    await waitFor(() => usd().held > 0n);
    await exchange.risk.core.books.durable();
    exchange.risk.crash();
    await placing;
    exchange.risk.start();
    assert.equal(usd().held, 100_000_000n);
    await exchange.settle();
    assert.deepEqual([usd().available, usd().held], [3_000_000_000n, 0n]);
    exchange.check();
  });

  test('after the engine took the order: it is found again, and the same request gives it', async () => {
    exchange.matching.faults.push('answer lost');
    const placing = fails('a', 'unavailable');
    await waitFor(async () => (await exchange.matching.client.head()).sequence > 1);
    exchange.risk.crash();
    await placing;
    exchange.risk.start();
    assert.equal((await place('a')).order.status, 'open');
    await exchange.settle();
    assert.equal(taken('a'), 1);
    exchange.check();
  });

  test('before its hold was on disk: the order never left', async () => {
    const placing = assert.rejects(place('a'));
    exchange.risk.crash();
    await placing;
    exchange.risk.start();
    await exchange.settle();
    assert.equal(taken('a'), 0);
    assert.deepEqual(unfinished(), []);
    exchange.check();
  });

  test('while it was away, the market went on: nothing of that is missed or doubled', async () => {
    const resting = await place('a');
    await exchange.risk.place('bob', request({ clientOrderId: 'b', side: 'sell', quantity: '0.4' }));
    exchange.risk.crash();
    await exchange.matching.cancel(resting.order.id);
    exchange.risk.start();
    await exchange.settle();
    assert.deepEqual([usd().available, usd().held], [2_960_000_000n, 0n]);
    exchange.check();
  });
});

describe('a crash of the engine', () => {
  test('before the order was on disk: it is given up, and can be placed again', async () => {
    exchange.matching.faults.push('crash before commit');
    await fails('a', 'unavailable');
    exchange.matching.start();
    await exchange.settle();
    assert.equal(taken('a'), 0);
    assert.deepEqual(unfinished(), []);
    assert.equal((await place('a')).replayed, false);
    assert.equal(taken('a'), 1);
    await exchange.settle();
    exchange.check();
  });

  test('after the order was on disk: it stands, and the same request gives it', async () => {
    exchange.matching.faults.push('crash after commit');
    await fails('a', 'unavailable');
    exchange.matching.start();
    const again = await place('a');
    assert.ok(again.replayed);
    assert.equal(taken('a'), 1);
    await exchange.settle();
    exchange.check();
  });

  test('orders fail at once, and go on when it is back', async () => {
    exchange.matching.crash();
    await fails('a', 'unavailable');
    assert.equal(usd().held, 0n);
    exchange.matching.start();
    assert.equal((await place('a')).order.status, 'open');
    await exchange.settle();
    exchange.check();
  });
});
