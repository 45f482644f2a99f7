import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { platformError } from '../errors/flotilla-error.ts';
import type { PolicyRules } from '../resilience/policy-rules.ts';
import type { CallOptions, Dispatch, Reply } from '../rpc/channel.ts';
import { waitFor } from '../testing/wait-for.ts';
import { openStream } from './outgoing-stream.ts';
import { Scene } from './testing/scene.ts';

const id = 'stock.watch';
const input = Buffer.from('{}');

const scenes: Scene[] = [];
function scene(rules?: PolicyRules): Scene {
  const made = new Scene(rules);
  scenes.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(scenes.splice(0).map((each) => each.end()));
});

function open({ service }: Scene, options: CallOptions = {}): AsyncIterableIterator<Buffer> {
  return openStream(service.operation(id), input, options);
}

async function all(items: AsyncIterable<Buffer>): Promise<string[]> {
  const texts: string[] = [];
  for await (const item of items) texts.push(String(item));
  return texts;
}

const two: Dispatch = (_call, reply) => {
  reply.item(Buffer.from('1'));
  reply.item(Buffer.from('2'));
  reply.end();
};
const quiet: Dispatch = (call, reply) => call.watch({ abandoned: (reason) => reply.error(reason) });
const sick: Dispatch = (_call, reply) => reply.error(platformError('internal', 'sick'));

describe('an outgoing stream', () => {
  it('gives what the instance sends, in order', async () => {
    const it = scene();
    await it.start('stock-1', two);
    assert.deepEqual(await all(open(it)), ['1', '2']);
  });

  it('is opened on another instance when no handler has seen it, and fails when one has', async () => {
    const it = scene({ '*': { balancing: 'round-robin' } });
    await it.start('stock-1', (_call, reply) =>
      reply.error(platformError('unavailable', 'stopping', { data: { executed: 'no' } })),
    );
    await it.start('stock-2', two);
    for (let n = 0; n < 4; n++) assert.deepEqual(await all(open(it)), ['1', '2']);
    const lonely = scene();
    await lonely.start('stock-1', (_call, reply) => {
      reply.item(Buffer.from('1'));
      reply.error(platformError('unavailable', 'stopping', { data: { executed: 'no' } }));
    });
    await assert.rejects(all(open(lonely)), { code: 'unavailable' });
  });

  it('that has nothing to tell closes a half-open breaker all the same', async () => {
    const it = scene({ '*': { breaker: { slowMs: 20, openMs: 10, maxOpenMs: 20, probes: 1 } } });
    let dispatch = sick;
    await it.start('stock-1', (call, reply) => dispatch(call, reply));
    for (let n = 0; n < 10; n++) await assert.rejects(all(open(it)), { code: 'internal' });
    assert.deepEqual(it.changes, ['closed open']);
    dispatch = quiet;
    const controller = new AbortController();
    const ends: Promise<void>[] = [];
    await waitFor(
      () => {
        ends.push(assert.rejects(all(open(it, { signal: controller.signal }))));
        return it.changes.at(-1) === 'half_open closed';
      },
      { what: 'the breaker to close' },
    );
    controller.abort();
    await Promise.all(ends);
  });

  it('is not slow while it has nothing to tell, nor failed when its time is over', async () => {
    const it = scene({ '*': { breaker: { slowMs: 10, minimumCalls: 5 } } });
    let dispatch = two;
    await it.start('stock-1', (call, reply) => dispatch(call, reply));
    for (let n = 0; n < 10; n++) await all(open(it));
    const replies: Reply[] = [];
    dispatch = (_call, reply) => replies.push(reply);
    const late = Array.from({ length: 10 }, () => all(open(it)));
    await waitFor(() => replies.length === 10);
    const slowFrom = performance.now() + 50;
    await waitFor(() => performance.now() > slowFrom);
    for (const reply of replies) {
      reply.item(Buffer.from('late'));
      reply.end();
    }
    await Promise.all(late);
    dispatch = quiet;
    const over = Array.from({ length: 20 }, () =>
      assert.rejects(all(open(it, { deadlineMs: 30 })), { code: 'deadline_exceeded' }),
    );
    await Promise.all(over);
    assert.deepEqual(it.changes, []);
  });

  it('counts the loss of a connection as one failure, however many streams it carried', async () => {
    const it = scene({ '*': { breaker: { slowMs: 60_000 } } });
    await it.start('stock-1', quiet);
    const ends = Array.from({ length: 30 }, () => assert.rejects(all(open(it)), { code: 'unavailable' }));
    await waitFor(() => [...it.service.pool.endpoints][0]!.inFlight === 30);
    await it.stop('stock-1');
    await Promise.all(ends);
    assert.deepEqual(it.changes, []);
    assert.equal(it.service.operation(id).breaker.counts(performance.now()).failures, 1);
  });

  it('waits for the successor of an instance within its deadline, which goes on meanwhile', async () => {
    const it = scene();
    await it.start('stock-1', two);
    await it.drain('stock-1');
    await assert.rejects(all(open(it, { deadlineMs: 20 })), {
      code: 'deadline_exceeded',
      data: { executed: 'no' },
    });
    let given: number | undefined;
    const items = all(open(it, { deadlineMs: 60_000 }));
    const later = performance.now() + 50;
    await waitFor(() => performance.now() > later);
    await it.announce('stock-1', (call, reply) => {
      given = call.remainingMs();
      two(call, reply);
    });
    assert.deepEqual(await items, ['1', '2']);
    assert.ok(given! <= 60_000 - 50, `${given} ms are left`);
  });

  it('is refused while the breaker is open, without another try', async () => {
    const it = scene();
    await it.start('stock-1', two);
    it.service.operation(id).breaker.force('open', performance.now());
    await assert.rejects(all(open(it)), { code: 'unavailable', message: /an operator holds it open/ });
  });
});
