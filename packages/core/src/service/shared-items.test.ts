import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { contract, operation, stream } from '../contract/index.ts';
import { TestFleet } from '../testing/index.ts';
import { service } from './service.ts';

const Board = contract('board', {
  watch: operation({ output: stream(z.unknown()) }),
  numbers: operation({ output: stream(z.object({ n: z.int() })) }),
});

/** An item that counts how often it is encoded. */
function counted(): { item: object; encoded: () => number } {
  let count = 0;
  const item = {
    toJSON() {
      count += 1;
      return { text: 'news' };
    },
  };
  return { item, encoded: () => count };
}

function boardOf(items: readonly object[]) {
  return service(Board, {
    operations: {
      async *watch() {
        yield* items;
      },
      async *numbers() {
        yield* items as { n: number }[];
      },
    },
  });
}

async function fleetOf(items: readonly object[]): Promise<TestFleet> {
  const fleet = new TestFleet();
  await fleet.start(boardOf(items));
  return fleet;
}

async function all(items: AsyncIterable<unknown>): Promise<unknown[]> {
  const list: unknown[] = [];
  for await (const item of items) list.push(item);
  return list;
}

test('a frozen item is encoded once, whatever the number of streams, and any other for each', async () => {
  const shared = counted();
  const own = counted();
  const fleet = await fleetOf([Object.freeze(shared.item), own.item]);
  const client = fleet.client(Board);
  const seen = await Promise.all(Array.from({ length: 10 }, () => all(client.watch())));
  for (const items of seen) assert.deepEqual(items, [{ text: 'news' }, { text: 'news' }]);
  assert.deepEqual([shared.encoded(), own.encoded()], [1, 10]);
  await fleet.stop();
});

test('a frozen item of a wrong form is refused for everybody', async () => {
  const fleet = await fleetOf([Object.freeze({ n: 1 }), Object.freeze({ n: 'two' })]);
  for (let call = 0; call < 2; call++) {
    const numbers = fleet.client(Board).numbers();
    assert.deepEqual(await numbers.next(), { done: false, value: { n: 1 } });
    await assert.rejects(numbers.next(), { code: 'internal' });
  }
  await fleet.stop();
});

test('an item that two operations share has the form of each', async () => {
  const item = Object.freeze({ n: 1, more: true });
  const fleet = await fleetOf([item]);
  const client = fleet.client(Board);
  assert.deepEqual(await all(client.watch()), [{ n: 1, more: true }]);
  assert.deepEqual(await all(client.numbers()), [{ n: 1 }]);
  await fleet.stop();
});
