import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import type { Instance } from '../discovery/instance.ts';
import { FlotillaError, platformError } from '../errors/flotilla-error.ts';
import type { PlatformCode } from '../errors/platform-codes.ts';
import type { PolicyRules } from '../resilience/policy-rules.ts';
import type { Dispatch, IncomingCall, Reply } from '../rpc/channel.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import { waitFor } from '../testing/wait-for.ts';
import { Scene } from './testing/scene.ts';

const input = Buffer.from('{}');
const ok: Dispatch = (_call, reply) => reply.value(Buffer.from('"ok"'));

const scenes: Scene[] = [];
function scene(rules?: PolicyRules, settled?: () => Promise<void>): Scene {
  const made = new Scene(rules, settled);
  scenes.push(made);
  return made;
}
afterEach(async () => {
  await Promise.all(scenes.splice(0).map((each) => each.end()));
});

/** Answers each call by the next of these; the last for all that follow. */
function script(...steps: ((call: IncomingCall, reply: Reply) => void)[]): Dispatch & { calls: number } {
  const dispatch = Object.assign(
    (call: IncomingCall, reply: Reply) => {
      steps[Math.min(dispatch.calls++, steps.length - 1)]!(call, reply);
    },
    { calls: 0 },
  );
  return dispatch;
}

const answer = (_call: IncomingCall, reply: Reply) => reply.value(Buffer.from('"ok"'));
const refuse = (code: PlatformCode, data?: object) => (_: unknown, reply: Reply) =>
  reply.error(platformError(code, code, data ? { data } : {}));

describe('an outgoing call', () => {
  it('is retried when the operation is idempotent and the service is unavailable', async () => {
    const it = scene();
    const stock = script(refuse('unavailable'), answer);
    await it.start('stock-1', stock);
    assert.equal(String((await it.call({ idempotent: true })).payload), '"ok"');
    assert.equal(stock.calls, 2);
    assert.deepEqual(
      it.metric('flotilla_client_attempts_total{'),
      ['first', 'retry'].map(
        (kind) => `flotilla_client_attempts_total{kind="${kind}",operation="take",service="stock"} 1`,
      ),
    );
  });

  it('is not repeated when it may have been executed and is not idempotent', async () => {
    const it = scene();
    const stock = script(refuse('unavailable'), answer);
    await it.start('stock-1', stock);
    await assert.rejects(it.call(), { code: 'unavailable' });
    assert.equal(stock.calls, 1);
  });

  it('is repeated, idempotent or not, when no handler has seen it', async () => {
    const it = scene();
    const stock = script(refuse('unavailable', { executed: 'no' }), answer);
    await it.start('stock-1', stock);
    await it.call();
    assert.equal(stock.calls, 2);
  });

  it('goes to another instance after one has failed it', async () => {
    const it = scene();
    let isSick = false;
    const sick = script((call, reply) => (isSick ? refuse('unavailable') : answer)(call, reply));
    await it.start('stock-1', sick);
    await it.start('stock-2', ok);
    for (let n = 0; n < 50; n++) await it.call({ idempotent: true });
    isSick = true;
    sick.calls = 0;
    for (let n = 0; n < 20; n++) await it.call({ idempotent: true });
    assert.ok(sick.calls <= 10, `the sick instance was asked ${sick.calls} times`);
  });

  it('is retried within a budget: at 30 % errors at most a fifth more requests than calls', async () => {
    const it = scene({ '*': { retry: { baseMs: 0, maxMs: 0 }, breaker: { enabled: false } } });
    let requests = 0;
    await it.start('stock-1', (_call, reply) => {
      requests++;
      if (requests % 10 < 3) reply.error(platformError('unavailable', 'now and then'));
      else reply.value(input);
    });
    const calls = 300;
    await Promise.allSettled(Array.from({ length: calls }, () => it.call({ idempotent: true })));
    assert.ok(requests > calls, 'some were retried');
    assert.ok(requests <= calls * 1.2, `${requests} requests for ${calls} calls`);
  });

  it('waits through the restart of the only instance', async () => {
    const it = scene();
    await it.start('stock-1', ok);
    await it.call();
    await it.drain('stock-1');
    const call = it.call();
    await it.start('stock-1', ok);
    assert.equal(String((await call).payload), '"ok"');
  });

  it('is sent once, whether its turn came or it did not wait any longer for it', async () => {
    const it = scene({ '*': { waitMs: 200 } });
    await it.start('stock-1', ok);
    await it.drain('stock-1');
    const calls = Array.from({ length: 20 }, () => it.call());
    const replies: Reply[] = [];
    let requests = 0;
    await it.start('stock-1', (_call, reply) => {
      requests++;
      replies.push(reply);
    });
    await waitFor(() => requests === 20, { what: 'those whose turn did not come' });
    for (let answered = 0; answered < 20; answered++) {
      replies.shift()!.value(input);
      await waitFor(() => it.service.bulkhead.active === 19 - answered);
    }
    await Promise.all(calls);
    assert.equal(requests, 20);
  });

  it('fails at once after the only instance has crashed', async () => {
    const it = scene();
    await it.start('stock-1', ok);
    await it.stop('stock-1');
    const call = it.call();
    assert.equal(it.service.bulkhead.active, 0);
    await assert.rejects(call, { code: 'unavailable', data: { executed: 'no' } });
  });

  it('says that it may have been executed when only its last try surely was not', async () => {
    const it = scene();
    await it.start('stock-1', () => {});
    const call = it.call({ idempotent: true });
    const outcome = assert.rejects(call, { code: 'unavailable', data: { executed: 'unknown' } });
    await it.stop('stock-1');
    await outcome;
  });

  it('fails at once when no instance was ever known, and when none has come back in time', async () => {
    const it = scene({ '*': { waitMs: 50 } });
    await assert.rejects(it.call(), {
      code: 'unavailable',
      data: { executed: 'no' },
      message: /no instance is running/,
    });
    await it.start('stock-1', ok);
    await it.drain('stock-1');
    await assert.rejects(it.call(), { code: 'unavailable', data: { executed: 'no' } });
  });

  it('does not wait for an instance past its deadline, nor when its caller gives up', async () => {
    const it = scene();
    await it.start('stock-1', ok);
    await it.drain('stock-1');
    await assert.rejects(it.call({ deadlineMs: 20 }), {
      code: 'deadline_exceeded',
      data: { executed: 'no' },
    });
    const controller = new AbortController();
    const call = it.call({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(call, { code: 'cancelled', data: { executed: 'no' } });
    await assert.rejects(it.call({ signal: controller.signal }), { code: 'cancelled' });
  });

  it('gives its place back and tells the server when its caller gives up', async () => {
    const it = scene();
    const seen: IncomingCall[] = [];
    await it.start('stock-1', (call) => seen.push(call));
    const controller = new AbortController();
    const call = it.call({ signal: controller.signal });
    await waitFor(() => seen.length === 1);
    assert.equal(it.service.bulkhead.active, 1);
    controller.abort();
    await assert.rejects(call, { code: 'cancelled', data: { executed: 'unknown' } });
    assert.equal(it.service.bulkhead.active, 0);
    await waitFor(() => seen[0]!.signal.aborted);
  });

  it('that nobody waits for any more says so in its span', async () => {
    const it = scene();
    await it.start('stock-1', () => {});
    const { tracer } = it.telemetry;
    const parent = tracer.start('parent', 'internal', undefined);
    const caller = new AbortController();
    const call = it.call({ signal: caller.signal, trace: parent });
    caller.abort();
    await assert.rejects(call, { code: 'cancelled' });
    parent.end();
    const span = tracer.spansOf(traceIdOf(parent)).find(({ name }) => name === 'stock/take');
    assert.deepEqual([span?.status, span?.attributes['error.type']], ['unset', 'cancelled']);
  });

  it('sends the budget that is left, and its own span', async () => {
    const it = scene();
    const seen: IncomingCall[] = [];
    await it.start('stock-1', (call, reply) => {
      seen.push(call);
      reply.value(input);
    });
    const parent = it.telemetry.tracer.start('parent', 'internal', undefined);
    await it.call({ deadlineMs: 5_000, trace: parent });
    const [call] = seen;
    assert.ok(call!.remainingMs()! > 4_000 && call!.remainingMs()! <= 5_000);
    assert.equal(call!.trace!.trace3, parent.trace3);
    assert.notEqual(call!.trace!.span1, parent.span1);
  });

  it('waits for its turn when the bulkhead is full, in order, and is refused when the queue is', async () => {
    const it = scene({ stock: { bulkhead: { concurrency: 2, queue: 2 } } });
    const replies: Reply[] = [];
    await it.start('stock-1', (_call, reply) => replies.push(reply));
    const calls = Array.from({ length: 4 }, () => it.call());
    await assert.rejects(it.call(), {
      code: 'overloaded',
      data: { executed: 'no' },
      message: /2 calls .* 2 wait/,
    });
    await waitFor(() => replies.length === 2);
    assert.deepEqual([it.service.bulkhead.active, it.service.bulkhead.waiting], [2, 2]);
    for (let n = 0; n < 4; n++) {
      await waitFor(() => replies.length > n);
      replies[n]!.value(input);
    }
    await Promise.all(calls);
    assert.deepEqual([it.service.bulkhead.active, it.service.bulkhead.waiting], [0, 0]);
  });

  it('that waits in the queue of the bulkhead can be given up, and its deadline counts', async () => {
    const it = scene({ stock: { bulkhead: { concurrency: 1, queue: 5 } } });
    const replies: Reply[] = [];
    await it.start('stock-1', (_call, reply) => replies.push(reply));
    const first = it.call();
    const controller = new AbortController();
    const second = it.call({ signal: controller.signal });
    const third = it.call({ deadlineMs: 20 });
    const fourth = it.call();
    controller.abort();
    await assert.rejects(second, { code: 'cancelled' });
    await assert.rejects(third, { code: 'deadline_exceeded', data: { executed: 'no' } });
    await waitFor(() => replies.length === 1);
    replies[0]!.value(input);
    await first;
    await waitFor(() => replies.length === 2);
    replies[1]!.value(input);
    await fourth;
    assert.deepEqual([it.service.bulkhead.active, it.service.bulkhead.waiting], [0, 0]);
  });

  it('is refused while the circuit breaker is open, and probes close it again', async () => {
    const it = scene({ '*': { breaker: { openMs: 30, maxOpenMs: 60, probes: 2 } } });
    let sick = true;
    await it.start('stock-1', (_call, reply) => {
      if (sick) reply.error(platformError('internal', 'broken'));
      else reply.value(input);
    });
    for (let n = 0; n < 10; n++) await assert.rejects(it.call(), { code: 'internal' });
    const refusal = (await it.call().catch((error) => error)) as FlotillaError;
    assert.equal(refusal.code, 'unavailable');
    assert.deepEqual(refusal.data, { executed: 'no' });
    assert.ok(refusal.retryAfterMs! >= 0 && refusal.retryAfterMs! <= 60);
    sick = false;
    await waitFor(
      async () => {
        await it.call().catch(() => {});
        return it.changes.at(-1) === 'half_open closed';
      },
      { what: 'the breaker to close' },
    );
    assert.equal(it.changes[0], 'closed open');
  });

  it('keeps the breaker of one operation apart from that of another', async () => {
    const it = scene();
    await it.start('stock-1', (call, reply) => {
      if (call.operation === 'stock.take') reply.error(platformError('internal', 'broken'));
      else reply.value(input);
    });
    for (let n = 0; n < 12; n++) await it.call().catch(() => {});
    await assert.rejects(it.call(), { code: 'unavailable', message: /circuit breaker is open/ });
    await it.call({}, 'stock.list');
  });

  it('counts the loss of a connection as one failure, whatever it carried', async () => {
    const it = scene();
    await it.start('stock-1', () => {});
    const calls = Array.from({ length: 50 }, () => it.call().catch((error: FlotillaError) => error.code));
    await waitFor(() => it.service.bulkhead.active === 50);
    await it.stop('stock-1');
    assert.deepEqual(new Set(await Promise.all(calls)), new Set(['unavailable']));
    assert.deepEqual(it.changes, []);
  });

  it('counts a call that hangs as slow while it hangs', async () => {
    const it = scene({ '*': { breaker: { slowMs: 20, minimumCalls: 5 } } });
    let hangs = false;
    await it.start('stock-1', (_call, reply) => {
      if (!hangs) reply.value(input);
    });
    for (let n = 0; n < 10; n++) await it.call();
    hangs = true;
    const calls = Promise.allSettled(Array.from({ length: 20 }, () => it.call({ deadlineMs: 5_000 })));
    await waitFor(() => it.changes.includes('closed open'), { what: 'the breaker to open' });
    assert.equal(it.service.bulkhead.active, 20);
    await it.stop('stock-1');
    await calls;
  });

  it('is not held against the service while some service of the fleet restarts', async () => {
    const it = scene({ '*': { breaker: { slowMs: 20, minimumCalls: 5 } } });
    const held: Reply[] = [];
    let holds = false;
    await it.start('stock-1', (_call, reply) => {
      if (holds) held.push(reply);
      else reply.value(input);
    });
    for (let n = 0; n < 10; n++) await it.call();
    holds = true;
    const drained = { service: 'ledger', state: 'draining' } as Instance;
    it.restarts.changed(drained, 0, 60_000, performance.now());
    const calls = Array.from({ length: 20 }, () => it.call());
    await waitFor(() => held.length === 20);
    const slowFrom = performance.now() + 150;
    await waitFor(() => performance.now() > slowFrom);
    for (const reply of held) reply.value(input);
    await Promise.all(calls);
    assert.deepEqual(it.changes, []);
  });

  it('does not hold the impatience of its caller against the service', async () => {
    const it = scene({ '*': { breaker: { minimumCalls: 5 } } });
    let hangs = false;
    await it.start('stock-1', (_call, reply) => {
      if (!hangs) reply.value(input);
    });
    for (let n = 0; n < 10; n++) await it.call();
    hangs = true;
    for (let n = 0; n < 20; n++) {
      await assert.rejects(it.call({ deadlineMs: 5 }), { code: 'deadline_exceeded' });
    }
    assert.deepEqual(it.changes, []);
  });

  it('is held against the service when its deadline was long enough, though shorter than what is slow', async () => {
    const it = scene({ '*': { breaker: { minimumCalls: 5, slowMs: 1_000 } } });
    let hangs = false;
    await it.start('stock-1', (_call, reply) => {
      if (!hangs) reply.value(input);
    });
    for (let n = 0; n < 10; n++) await it.call();
    hangs = true;
    await Promise.allSettled(Array.from({ length: 20 }, () => it.call({ deadlineMs: 250 })));
    assert.deepEqual(it.changes, ['closed open']);
  });

  it('is hedged when it takes longer than usual, and the faster answer wins', async () => {
    const it = scene({ '*': { hedge: { enabled: true, budget: 1 }, balancing: 'round-robin' } });
    const given: IncomingCall[] = [];
    let hangs = false;
    await it.start('stock-1', (call, reply) => {
      if (hangs) given.push(call);
      else reply.value(Buffer.from('1'));
    });
    await it.start('stock-2', (_call, reply) => reply.value(Buffer.from('2')));
    for (let n = 0; n < 100; n++) await it.call({ idempotent: true });
    hangs = true;
    for (let n = 0; n < 30; n++) {
      assert.equal(String((await it.call({ idempotent: true })).payload), '2');
    }
    assert.ok(given.length > 0);
    await waitFor(() => given.every((call) => call.signal.aborted), { what: 'the losers to be cancelled' });
    assert.ok(
      it.metric('flotilla_client_attempts_total{').some((line) => /kind="hedge".*} [1-9]/.test(line)),
    );
  });

  it('is not hedged any more once its first request has failed, nor after it has ended', async () => {
    const it = scene({ '*': { hedge: { enabled: true, budget: 1, minMs: 40 }, retry: { attempts: 2 } } });
    let refuses = false;
    let requests = 0;
    const stock: Dispatch = (call, reply) => {
      requests++;
      if (refuses) refuse('unavailable', { executed: 'no' })(call, reply);
      else answer(call, reply);
      refuses = false;
    };
    await it.start('stock-1', stock);
    await it.start('stock-2', stock);
    for (let n = 0; n < 25; n++) await it.call({ idempotent: true });
    refuses = true;
    requests = 0;
    await it.call({ idempotent: true });
    const hedgedBy = performance.now() + 100;
    await waitFor(() => performance.now() > hedgedBy);
    assert.equal(requests, 2);
    assert.equal(it.service.operation('stock.take').list.size, 0);
  });

  it('ends with the first answer also when that is an error, and gives the other request up', async () => {
    const it = scene({ '*': { hedge: { enabled: true, budget: 1 }, balancing: 'round-robin' } });
    const given: IncomingCall[] = [];
    let hangs = false;
    await it.start('stock-1', (call, reply) => {
      if (hangs) given.push(call);
      else answer(call, reply);
    });
    await it.start('stock-2', (call, reply) => {
      if (hangs) refuse('not_found')(call, reply);
      else answer(call, reply);
    });
    for (let n = 0; n < 100; n++) await it.call({ idempotent: true });
    hangs = true;
    for (let n = 0; n < 10; n++) {
      await assert.rejects(it.call({ idempotent: true, deadlineMs: 5_000 }), { code: 'not_found' });
    }
    assert.ok(given.length > 0);
    await waitFor(() => given.every((call) => call.signal.aborted), { what: 'the losers to be cancelled' });
  });

  it('keeps its budget when there is no other instance to go to', async () => {
    const it = scene({ '*': { retry: { budget: 0, reserve: 2 } } });
    const held: Reply[] = [];
    await it.start('stock-1', (_call, reply) => held.push(reply));
    const calls = Array.from({ length: 5 }, () => it.call({ idempotent: true }));
    await waitFor(() => held.length === 5);
    it.service.endpointStalled([...it.service.pool.endpoints][0]!);
    for (const reply of held.splice(0)) reply.value(input);
    await Promise.all(calls);
    assert.deepEqual(
      [1, 2, 3].map(() => it.service.budget.withdraw(performance.now())),
      [true, true, false],
    );
  });

  it('comes back after the time that a refusal asks for, but not at the same moment as all others', async () => {
    const it = scene({ '*': { retry: { baseMs: 200, reserve: 50 }, throttle: { enabled: false } } });
    const times: number[] = [];
    let refusals = 0;
    await it.start('stock-1', (_call, reply) => {
      if (refusals++ < 20) {
        reply.error(platformError('overloaded', 'later', { data: { executed: 'no' }, retryAfterMs: 30 }));
        return;
      }
      times.push(performance.now());
      reply.value(input);
    });
    const start = performance.now();
    await Promise.all(Array.from({ length: 20 }, () => it.call()));
    assert.ok(Math.min(...times) - start >= 29, 'none comes too early');
    assert.ok(Math.max(...times) - Math.min(...times) > 60, 'they come one after the other');
  });

  it('does not wait for discovery past its deadline', async () => {
    const it = scene({}, () => new Promise<void>(() => {}));
    await assert.rejects(it.call({ deadlineMs: 20 }), {
      code: 'deadline_exceeded',
      data: { executed: 'no' },
    });
  });

  it('may have a deadline that no timer can wait for', async () => {
    const it = scene({ stock: { bulkhead: { concurrency: 1 } } });
    const replies: Reply[] = [];
    await it.start('stock-1', (_call, reply) => replies.push(reply));
    const calls = [1, 2, 3].map(() => it.call({ deadlineMs: Number.POSITIVE_INFINITY }));
    for (let n = 0; n < calls.length; n++) {
      await waitFor(() => replies.length > n);
      replies[n]!.value(input);
      await calls[n];
    }
  });

  it('that is given up before its retry says what is known of its first try', async () => {
    for (const executed of ['no', 'unknown']) {
      const it = scene({ '*': { retry: { baseMs: 10_000, maxMs: 10_000 }, throttle: { enabled: false } } });
      const stock = script(refuse(executed === 'no' ? 'overloaded' : 'unavailable', { executed }));
      await it.start('stock-1', stock);
      const controller = new AbortController();
      const call = it.call({ idempotent: true, deadlineMs: 60_000, signal: controller.signal });
      await waitFor(() => stock.calls === 1 && it.service.operation('stock.take').list.size === 0);
      controller.abort();
      await assert.rejects(call, { code: 'cancelled', data: { executed } });
    }
  });

  it('leaves the answers that an operation declares alone', async () => {
    const it = scene();
    await it.start('stock-1', (_call, reply) =>
      reply.error(new FlotillaError('sold_out', 'nothing left', { declared: true })),
    );
    for (let n = 0; n < 30; n++) await assert.rejects(it.call({ idempotent: true }), { code: 'sold_out' });
    assert.deepEqual(it.changes, []);
    assert.deepEqual(it.metric('flotilla_client_attempts_total{'), [
      'flotilla_client_attempts_total{kind="first",operation="take",service="stock"} 30',
    ]);
  });

  it('leaves its instance owing nothing, whatever the answer was', async () => {
    const it = scene();
    const held: Reply[] = [];
    let declared = true;
    await it.start('stock-1', (_call, reply) => {
      if (declared) reply.error(new FlotillaError('sold_out', 'nothing left', { declared: true }));
      else held.push(reply);
    });
    for (let n = 0; n < 5; n++) await assert.rejects(it.call(), { code: 'sold_out' });
    declared = false;
    const call = it.call();
    await waitFor(() => held.length === 1);
    const [endpoint] = it.service.pool.endpoints;
    assert.ok(endpoint!.latencyAt(performance.now() + 60_000) >= 60_000, 'one that waits is seen to wait');
    held[0]!.value(input);
    await call;
    assert.ok(endpoint!.latencyAt(performance.now() + 60_000) < 1_000);
  });

  it('is held back here while the service says that it is overloaded', async () => {
    const it = scene({ '*': { retry: { attempts: 1 } } });
    let requests = 0;
    await it.start('stock-1', (_call, reply) => {
      requests++;
      reply.error(platformError('overloaded', 'too much', { data: { executed: 'no' } }));
    });
    for (let n = 0; n < 200; n++) await assert.rejects(it.call(), { code: 'overloaded' });
    assert.ok(requests < 120, `${requests} of 200 calls reached the overloaded service`);
    assert.deepEqual(it.changes, []);
  });

  it('leaves nothing behind, however it ends', async () => {
    const it = scene({ '*': { waitMs: 10 } });
    await it.start('stock-1', script(refuse('unavailable'), answer, refuse('internal'), answer));
    await Promise.allSettled(
      Array.from({ length: 20 }, () => it.call({ idempotent: true, deadlineMs: 200 })),
    );
    await it.stop('stock-1');
    await Promise.allSettled(Array.from({ length: 20 }, () => it.call({ deadlineMs: 30 })));
    assert.deepEqual([it.service.bulkhead.active, it.service.bulkhead.waiting], [0, 0]);
    assert.equal(it.service.operation('stock.take').list.size, 0);
  });

  it('follows a change of policy at once', async () => {
    const it = scene();
    const stock = script(refuse('unavailable'));
    await it.start('stock-1', stock);
    it.changePolicies({ 'shop->stock.take': { retry: { attempts: 1 } } });
    await assert.rejects(it.call({ idempotent: true }), { code: 'unavailable' });
    assert.equal(stock.calls, 1);
  });
});
