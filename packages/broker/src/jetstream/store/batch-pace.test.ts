import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BatchPace } from './batch-pace.ts';

interface Client {
  /** Messages that it keeps in flight, and how long it takes to answer one acknowledgement, in ms. */
  readonly inFlight: number;
  readonly perMessage: number;
}

interface Outcome {
  /** Messages a second. */
  readonly rate: number;
  readonly batches: readonly number[];
}

/**
 * A closed loop of one client and the broker, each with a processor of its own: the client sends a message for every
 * acknowledgement, the broker takes 5 µs a message and `flushMs` a flush.
 */
function simulate({ inFlight, perMessage }: Client, flushMs: number, rounds: number): Outcome {
  const pace = new BatchPace();
  const batches: number[] = [];
  /** Times at which messages arrive, ascending. */
  let arrivals = new Array<number>(inFlight).fill(1);
  let now = 0;
  let clientFreeAt = 0;
  let total = 0;
  const flush = (count: number): void => {
    const from = now;
    now += flushMs;
    pace.flushed(from, now);
    batches.push(count);
    total += count;
    clientFreeAt = Math.max(clientFreeAt, now) + count * perMessage;
    // The client sends the answers to one chunk of acknowledgements together.
    arrivals.push(...new Array<number>(count).fill(clientFreeAt));
  };
  for (let round = 0; round < rounds; round++) {
    now = Math.max(now, arrivals[0]!);
    pace.opened(now);
    let gathered = 0;
    const take = (): void => {
      const here = arrivals.filter((at) => at <= now).length;
      arrivals = arrivals.slice(here);
      for (let i = 0; i < here; i++) {
        if (gathered === 0 && i > 0) pace.opened(now);
        now += 0.005;
        gathered++;
        if (!pace.message(() => now)) continue;
        flush(gathered);
        gathered = 0;
      }
    };
    take();
    const wait = gathered > 0 ? pace.turnEnded() : 0;
    if (wait > 0) {
      now += wait;
      take();
    }
    if (gathered > 0) flush(gathered);
  }
  return { rate: (total / now) * 1_000, batches };
}

test('with a fast disk, client and broker work at the same time', () => {
  const { rate } = simulate({ inFlight: 64, perMessage: 0.012 }, 0.2, 2_000);
  // In step they would make 64 messages in 64 · 17 µs and a flush, 49 000 a second.
  assert.ok(rate > 65_000, String(rate));
});

test('with a slow disk, messages in flight share one flush', () => {
  const { rate, batches } = simulate({ inFlight: 64, perMessage: 0.012 }, 5, 2_000);
  // In two groups they would make 64 messages in two flushes, 6 400 a second.
  assert.ok(rate > 9_000, String(rate));
  assert.ok(batches.slice(-100).every((size) => size === 64));
});

test('one message at a time is not made to wait, but for a trial now and then', () => {
  const { rate } = simulate({ inFlight: 1, perMessage: 0.1 }, 5, 2_000);
  assert.ok(rate > 0.97 * (1_000 / 5.105), String(rate));
});

test('a batch is not gathered for longer than a few milliseconds', () => {
  const pace = new BatchPace();
  let now = 1;
  pace.opened(now);
  pace.flushed(1, 1.1);
  pace.opened(1.1);
  let messages = 0;
  do now += 1;
  while (!pace.message(() => now) && ++messages < 1_000);
  assert.equal(messages, 63);
});
