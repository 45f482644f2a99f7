import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { z } from 'zod';
import { contract, operation, stream } from '../contract/index.ts';
import type { FlotillaError } from '../errors/index.ts';
import { attempt } from '../rpc/client.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { waitFor } from '../testing/wait-for.ts';
import { service } from './service.ts';

const Busy = contract('busy', {
  order: operation({ priority: 'high' }),
  read: operation(),
  report: operation({ priority: 'background' }),
  wait: operation(),
  stuck: operation(),
  watch: operation({ output: stream(z.int()) }),
});

let begun: string[] = [];
let release = Promise.withResolvers<void>();

/** Computes, and so keeps the thread. */
function compute(name: string, milliseconds = 2): void {
  begun.push(name);
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}

const busy = service(Busy, {
  operations: {
    order: () => compute('order'),
    read: () => compute('read'),
    report: () => compute('report'),
    wait() {
      begun.push('wait');
      return release.promise;
    },
    stuck() {
      begun.push('stuck');
      return new Promise<null>(() => {});
    },
    async *watch(_input, { signal }) {
      for (let n = 0; !signal.aborted; n++) {
        yield n;
        await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      }
    },
  },
});

let fleet: TestFleet;

beforeEach(async () => {
  begun = [];
  release = Promise.withResolvers();
  fleet = new TestFleet();
  await fleet.start(busy);
});

afterEach(async () => {
  release.resolve();
  await fleet.stop();
});

interface Tally {
  readonly answered: number;
  readonly refused: FlotillaError[];
  readonly other: FlotillaError[];
}

async function tally(calls: Iterable<Promise<unknown>>): Promise<Tally> {
  const attempts = await Promise.all([...calls].map((call) => attempt(call)));
  const errors = attempts.flatMap((result) => (result.ok ? [] : [result.error]));
  return {
    answered: attempts.length - errors.length,
    refused: errors.filter(({ code }) => code === 'overloaded'),
    other: errors.filter(({ code }) => code !== 'overloaded'),
  };
}

const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);

test('more than it can compute is refused, and what is refused has not begun', async () => {
  const client = fleet.client(Busy);
  // It learns how fast it is, and from then on whom it has to refuse.
  await tally(times(100, () => client.read()));
  begun = [];
  const { answered, refused, other } = await tally(times(600, () => client.read()));
  assert.deepEqual(other, []);
  assert.ok(answered >= 5, `${answered} answered`);
  assert.ok(refused.length >= 200, `${refused.length} refused`);
  assert.equal(begun.length, answered);
  for (const { message, data, retryAfterMs } of refused) {
    const { executed, reason, retryAfterMs: inData } = data as Record<string, unknown>;
    assert.equal(executed, 'no');
    assert.match(String(reason), /^(too_long|waited|queue_full)$/);
    assert.equal(inData, retryAfterMs);
    assert.ok(retryAfterMs! > 0);
    assert.match(message, /busy-1 is overloaded and has not begun the call.*Try again in \d+ ms/);
  }
});

test('the higher priority is answered while the lower ones are refused', async () => {
  const client = fleet.client(Busy);
  await tally(times(100, () => client.read()));
  const low = tally(times(400, () => client.report()));
  const high = tally(times(10, () => client.order()));
  assert.deepEqual(await high, { answered: 10, refused: [], other: [] });
  assert.ok((await low).refused.length >= 100);
});

test('the contract is told whatever the load', async () => {
  const client = fleet.client(Busy);
  const flood = tally(times(400, () => client.read()));
  const described = await fleet.call('busy', 'busy.$contract', Buffer.from('{}'), {});
  assert.equal(JSON.parse(String(described.payload)).service, 'busy');
  assert.ok((await flood).answered > 0);
});

test('the metrics tell the limit, the queue and who was refused why', async () => {
  const client = fleet.client(Busy);
  const { answered, refused } = await tally(times(400, () => client.report()));
  const text = fleet.metrics(Busy).render();
  const value = (pattern: RegExp) =>
    [...text.matchAll(pattern)].reduce((sum, [, count]) => sum + Number(count), 0);
  assert.equal(value(/^flotilla_server_limit (\d+)$/gm), 32);
  assert.equal(value(/^flotilla_server_queue\{priority="background"\} (\d+)$/gm), 0);
  assert.equal(value(/^flotilla_server_refused_total\{priority="background",.*\} (\d+)$/gm), refused.length);
  const counted = (code: string) =>
    value(
      new RegExp(`^flotilla_server_calls_total\\{code="${code}",operation="busy.report"\\} (\\d+)$`, 'gm'),
    );
  assert.equal(counted('ok'), answered);
  assert.equal(counted('overloaded'), refused.length);
  assert.ok(value(/^flotilla_server_queue_seconds_count\{priority="background"\} (\d+)$/gm) > 0);
});

test('a call whose deadline passes while it waits never begins', async () => {
  const client = fleet.client(Busy);
  const calls = times(64, () => client.wait());
  const sentAt = performance.now();
  const late = await attempt(client.wait({}, { deadlineMs: 20 }));
  assert.ok(!late.ok);
  assert.match(late.error.code, /^(deadline_exceeded|overloaded)$/);
  // The server's clock for it started a moment later than the caller's.
  await waitFor(() => performance.now() > sentAt + 60);
  release.resolve();
  await Promise.all(calls);
  assert.equal(begun.length, calls.length);
});

test('an operation whose handlers wait takes no more than its share: the others go on', async () => {
  const client = fleet.client(Busy);
  const calls = times(300, () => client.wait());
  await waitFor(() => begun.length >= 32);
  for (let n = 0; n < 20; n++) await client.read({}, { deadlineMs: 5_000 });
  assert.ok(begun.filter((name) => name === 'wait').length < calls.length);
  release.resolve();
  await Promise.all(calls);
});

test('streams are many, and take no place from calls', async () => {
  const client = fleet.client(Busy);
  const streams = times(200, () => client.watch());
  for (const items of streams) assert.deepEqual(await items.next(), { done: false, value: 0 });
  await client.read();
  await Promise.all(streams.map((items) => items.return?.()));
});

test('handlers that never end do not keep their places for ever', { timeout: 60_000 }, async () => {
  const client = fleet.client(Busy);
  const { other } = await tally(times(64, () => client.stuck({}, { deadlineMs: 30 })));
  assert.equal(other.length, 64);
  const places = begun.length;
  assert.ok(places < 64, 'all places are taken');
  const another = () => attempt(client.stuck({}, { deadlineMs: 100 }));
  await waitFor(() => another().then(() => begun.length > places), { timeoutMs: 30_000 });
});

test('at a drain, what waits is handled or told that it has not begun', async () => {
  const client = fleet.client(Busy);
  const flood = tally(times(200, () => client.read()));
  await waitFor(() => begun.length > 0);
  const drained = fleet.drain(Busy);
  const { answered, refused, other } = await flood;
  await drained;
  assert.equal(begun.length, answered);
  for (const { data } of [...refused, ...other]) {
    assert.equal((data as { executed?: string }).executed, 'no');
  }
  await fleet.start(busy);
});
