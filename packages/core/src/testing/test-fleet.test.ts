import assert from 'node:assert/strict';
import { test } from 'node:test';
import { z } from 'zod';
import { contract, operation, stream } from '../contract/index.ts';
import { attempt } from '../rpc/client.ts';
import { service } from '../service/service.ts';
import { TestFleet } from './test-fleet.ts';

const Store = contract('store', {
  put: operation({
    input: z.object({ key: z.string().min(1), value: z.string() }),
    output: z.object({ size: z.number() }),
    errors: { full: z.object({ limit: z.number() }) },
  }),
  count: operation({ input: z.object({ to: z.int() }), output: stream(z.int()) }),
});

const Front = contract('front', {
  ask: operation({
    input: z.object({ key: z.string() }),
    output: z.object({ text: z.string(), left: z.number() }),
  }),
});

const store = service(Store, {
  start: () => ({ values: new Map<string, string>() }),
  operations: {
    put({ key, value }, { state }) {
      if (state.values.size >= 2) throw Store.put.error('full', { limit: 2 });
      state.values.set(key, value);
      return { size: state.values.size };
    },
    async *count({ to }) {
      for (let n = 1; n <= to; n++) yield n;
    },
  },
});

const front = service(Front, {
  uses: { Store },
  operations: {
    async ask({ key }, ctx) {
      const put = await attempt(ctx.clients.Store.put({ key, value: ctx.user?.subject ?? 'nobody' }));
      const left = ctx.remainingMs() ?? 0;
      if (put.ok) return { text: `stored ${put.value.size}`, left };
      if (put.error.code === 'full') return { text: `full at ${put.error.data.limit}`, left };
      throw put.error;
    },
  },
});

test('services call each other with deadlines, and declared errors arrive typed', async () => {
  const fleet = new TestFleet();
  await fleet.start(store, front);
  const client = fleet.client(Front);
  assert.equal((await client.ask({ key: 'a' })).text, 'stored 1');
  assert.equal((await client.ask({ key: 'b' })).text, 'stored 2');
  const third = await client.ask({ key: 'c' }, { deadlineMs: 800 });
  assert.equal(third.text, 'full at 2');
  assert.ok(third.left > 0 && third.left <= 800);
  await fleet.stop();
});

test('a wrong input is refused with the field at fault', async () => {
  const fleet = new TestFleet();
  await fleet.start(store);
  const result = await attempt(fleet.client(Store).put({ key: '', value: 'x' }));
  assert.ok(!result.ok && result.error.code === 'invalid_argument');
  assert.deepEqual(result.error.data.issues[0]?.path, ['key']);
  await fleet.stop();
});

test('a stream arrives in order and can be left early', async () => {
  const fleet = new TestFleet();
  await fleet.start(store);
  const seen: number[] = [];
  for await (const n of fleet.client(Store).count({ to: 10_000 })) {
    seen.push(n);
    if (n === 500) break;
  }
  assert.deepEqual(
    seen,
    Array.from({ length: 500 }, (_, index) => index + 1),
  );
  await fleet.stop();
});

test('a killed service is unavailable at once', async () => {
  const fleet = new TestFleet();
  await fleet.start(store, front);
  await fleet.kill(Store);
  await assert.rejects(fleet.client(Front).ask({ key: 'a' }), { code: 'unavailable' });
  await fleet.start(store);
  assert.equal((await fleet.client(Front).ask({ key: 'a' })).text, 'stored 1');
  await fleet.stop();
});
