import assert from 'node:assert/strict';
import { test } from 'node:test';
import { instrumentUnits } from '@exchange/reference/units';
import fc from 'fast-check';
import type { MarketEvent } from './contract.ts';
import { Market } from './market.ts';
import type { LevelChange, MarketUpdate } from './market-update.ts';
import { PublicMarket } from './public-market.ts';

const units = instrumentUnits(
  { symbol: 'BTC-USD', base: 'BTC', quote: 'USD', tickSize: '0.01', lotSize: '0.0001' },
  { USD: 6, BTC: 8 },
);
const never = new AbortController().signal;

function update(sequence: number, changes: readonly LevelChange[] = []): MarketUpdate {
  return { kind: 'book', symbol: 'BTC-USD', sequence, time: 0, changes };
}

/** A market of `count` updates, of which the last `kept` are kept. */
function marketOf(count: number, kept: number): { market: Market; shown: PublicMarket } {
  const market = new Market('BTC-USD', 0, [], kept);
  for (let sequence = 1; sequence <= count; sequence++) market.apply(update(sequence));
  return { market, shown: new PublicMarket(market, units) };
}

async function next(events: AsyncGenerator<MarketEvent, void>): Promise<MarketEvent> {
  const result = await events.next();
  assert.ok(!result.done, 'the stream ended');
  return result.value;
}

const brief = ({ type, sequence }: MarketEvent) => [type, sequence];

test('a new subscriber gets one snapshot, and then every update', async () => {
  const { market, shown } = marketOf(3, 10);
  const events = shown.stream(undefined, never);
  assert.deepEqual(brief(await next(events)), ['snapshot', 3]);
  market.apply(update(4));
  assert.deepEqual(brief(await next(events)), ['book', 4]);
  const waiting = next(events);
  market.apply(update(5));
  assert.deepEqual(brief(await waiting), ['book', 5]);
  await events.return();
});

test('subscribers that come at the same moment get the very same snapshot, later ones a later one', async () => {
  const { market, shown } = marketOf(3, 10);
  const first = await next(shown.stream(undefined, never));
  assert.equal(await next(shown.stream(undefined, never)), first);
  market.apply(update(4, [{ side: 'buy', price: 1, quantity: 1 }]));
  const later = await next(shown.stream(undefined, never));
  assert.deepEqual(later, {
    type: 'snapshot',
    symbol: 'BTC-USD',
    sequence: 4,
    bids: [['0.01', '0.0001']],
    asks: [],
  });
});

test('a market without any update begins with an empty snapshot of sequence 0', async () => {
  const { market, shown } = marketOf(0, 10);
  const events = shown.stream(undefined, never);
  const snapshot = await next(events);
  assert.deepEqual(snapshot, { type: 'snapshot', symbol: 'BTC-USD', sequence: 0, bids: [], asks: [] });
  market.apply(update(1));
  assert.deepEqual(brief(await next(events)), ['book', 1]);
});

test('a subscriber resumes without a snapshot exactly where its next update is kept or is the next to come', async () => {
  const cases = [fc.nat({ max: 12 }), fc.integer({ min: 1, max: 6 }), fc.nat({ max: 15 })] as const;
  await fc.assert(
    fc.asyncProperty(...cases, async (count, kept, after) => {
      const { market, shown } = marketOf(count, kept);
      const events = shown.stream(after, never);
      const first = next(events);
      const resumes = after <= count && after >= count - kept;
      let last = resumes ? after : count;
      if (after === count) market.apply(update(count + 1));
      if (!resumes) assert.deepEqual(brief(await first), ['snapshot', last]);
      else assert.deepEqual(brief(await first), ['book', ++last]);
      while (last < market.sequence) assert.deepEqual(brief(await next(events)), ['book', ++last]);
    }),
  );
});

test('a subscriber that falls too far behind is cut with overloaded, and the others are not', async () => {
  const { market, shown } = marketOf(1, 4);
  const slow = shown.stream(undefined, never);
  const fast = shown.stream(undefined, never);
  await next(slow);
  await next(fast);
  for (let sequence = 2; sequence <= 20; sequence++) {
    market.apply(update(sequence));
    assert.deepEqual(brief(await next(fast)), ['book', sequence]);
  }
  await assert.rejects(next(slow), {
    code: 'overloaded',
    message: /update 2 of BTC-USD is no longer kept; subscribe anew/,
  });
});

test('a thousand waiting subscribers all get every update, and the very same event', async () => {
  const { market, shown } = marketOf(1, 10);
  const streams = Array.from({ length: 1_000 }, () => shown.stream(1, never));
  for (let sequence = 2; sequence <= 4; sequence++) {
    const waiting = streams.map(next);
    market.apply(update(sequence, [{ side: 'buy', price: sequence, quantity: 1 }]));
    const [first, ...others] = await Promise.all(waiting);
    assert.deepEqual(brief(first!), ['book', sequence]);
    assert.ok(others.every((event) => event === first));
  }
});

test('an abort ends the stream of who waits, and only that one', async () => {
  const { market, shown } = marketOf(1, 10);
  const leaving = new AbortController();
  const left = shown.stream(1, leaving.signal);
  const staying = shown.stream(1, never);
  const ended = left.next();
  const waiting = next(staying);
  leaving.abort();
  assert.deepEqual(await ended, { done: true, value: undefined });
  market.apply(update(2));
  assert.deepEqual(brief(await waiting), ['book', 2]);
  assert.deepEqual(await shown.stream(1, AbortSignal.abort()).next(), { done: true, value: undefined });
});
