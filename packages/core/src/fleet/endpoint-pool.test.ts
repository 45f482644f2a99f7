import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Instance } from '../discovery/instance.ts';
import { platformError } from '../errors/flotilla-error.ts';
import { defaultPolicy } from '../resilience/policy.ts';
import type { Dispatch, Reply, Transport, WireServer } from '../rpc/channel.ts';
import { memoryTransport } from '../rpc/memory-transport.ts';
import { silentLogger } from '../telemetry/log.ts';
import { waitFor } from '../testing/wait-for.ts';
import type { Endpoint } from './endpoint.ts';
import { EndpointPool, type EndpointPoolOptions } from './endpoint-pool.ts';

const key = Buffer.alloc(32, 7);

async function serve(
  transport: Transport,
  instance: string,
  more: Partial<Instance> = {},
  dispatch: Dispatch = (_call, reply) => reply.value(Buffer.from(instance)),
): Promise<{ server: WireServer; listed: Instance }> {
  const server = await transport.listen({
    address: 'memory:',
    identity: { service: 'echo', instance, key },
    dispatch,
  });
  const listed: Instance = {
    service: 'echo',
    instance,
    version: '1.0.0',
    contract: '',
    address: server.address,
    zone: 'local',
    weight: 1,
    state: 'ready',
    startedAt: 1,
    pid: 1,
    ...more,
  };
  return { server, listed };
}

function poolOn(transport: Transport, more: Partial<EndpointPoolOptions> = {}): EndpointPool {
  return new EndpointPool({
    service: 'echo',
    identity: { service: 'caller', instance: 'caller-1', key },
    zone: 'local',
    transport,
    log: silentLogger,
    policy: defaultPolicy,
    incompatibleOn: async () => new Map(),
    onStall() {},
    onEjection() {},
    ...more,
  });
}

const names = (endpoints: readonly Endpoint[]) => endpoints.map(({ id }) => id).sort();

async function come(pool: EndpointPool, ...instances: string[]): Promise<void> {
  await waitFor(() => names(pool.candidates('echo.say')).join() === instances.join(), {
    what: `candidates ${instances.join()}`,
  });
}

describe('the pool of a service', () => {
  it('offers every live instance, and only those that are left when one leaves', async () => {
    const transport = memoryTransport();
    const one = await serve(transport, 'echo-1');
    const two = await serve(transport, 'echo-2');
    const pool = poolOn(transport);
    assert.equal(pool.wasKnown, false);
    pool.update([one.listed, two.listed]);
    await come(pool, 'echo-1', 'echo-2');
    pool.update([two.listed]);
    assert.deepEqual(names(pool.candidates('echo.say')), ['echo-2']);
    pool.close();
    await Promise.all([one.server.close(), two.server.close()]);
  });

  it('passes over a dead instance, and takes it back when it lives again', async () => {
    const transport = memoryTransport();
    const dead = await serve(transport, 'echo-1');
    const alive = await serve(transport, 'echo-2');
    await dead.server.close();
    const pool = poolOn(transport);
    pool.update([dead.listed, alive.listed]);
    await come(pool, 'echo-2');
    assert.ok(pool.isConnected(alive.listed));
    assert.ok(!pool.isConnected(dead.listed));
    const again = await serve(transport, 'echo-1', { startedAt: 2 });
    pool.update([again.listed, alive.listed]);
    await come(pool, 'echo-1', 'echo-2');
    pool.close();
    await Promise.all([alive.server.close(), again.server.close()]);
  });

  it('wakes who waits when an instance comes, once', async () => {
    const transport = memoryTransport();
    const pool = poolOn(transport);
    let woken = 0;
    pool.await({ instanceCame: () => woken++ });
    const one = await serve(transport, 'echo-1');
    const two = await serve(transport, 'echo-2');
    pool.update([one.listed, two.listed]);
    await come(pool, 'echo-1', 'echo-2');
    assert.equal(woken, 1);
    pool.close();
    await Promise.all([one.server.close(), two.server.close()]);
  });

  it('lets a crowd that waits go a few at a time, as calls end, and those first who wait longest', async () => {
    const transport = memoryTransport();
    const pool = poolOn(transport);
    const woken: number[] = [];
    for (let n = 0; n < 40; n++) pool.await({ instanceCame: () => woken.push(n) });
    const one = await serve(transport, 'echo-1');
    pool.update([one.listed]);
    await come(pool, 'echo-1');
    assert.deepEqual(woken, [...Array(16).keys()]);
    pool.ended();
    pool.ended();
    assert.equal(woken.length, 16, 'not while the call that ends is on the stack');
    await new Promise((resolve) => process.nextTick(resolve));
    assert.deepEqual(woken.slice(16), [16, 17, 18, 19]);
    pool.close();
    assert.equal(woken.length, 40);
    await one.server.close();
  });

  it('takes out an instance whose answers are failures, but never more than its share', async () => {
    const transport = memoryTransport();
    const one = await serve(transport, 'echo-1');
    const two = await serve(transport, 'echo-2');
    const ejected: string[] = [];
    const pool = poolOn(transport, {
      policy: { ...defaultPolicy, ejection: { ...defaultPolicy.ejection, baseMs: 60_000 } },
      onEjection: ({ id }, reason) => ejected.push(`${id} ${reason}`),
    });
    pool.update([one.listed, two.listed]);
    await come(pool, 'echo-1', 'echo-2');
    const [sick, other] = [...pool.endpoints] as [Endpoint, Endpoint];
    for (let n = 0; n < defaultPolicy.ejection.consecutiveFailures; n++) pool.failed(sick, performance.now());
    assert.deepEqual(names(pool.candidates('echo.say')), ['echo-2']);
    for (let n = 0; n < 20; n++) pool.failed(other, performance.now());
    assert.deepEqual(ejected, ['echo-1 failures']);
    assert.deepEqual(names(pool.candidates('echo.say')), ['echo-2']);
    pool.close();
    await Promise.all([one.server.close(), two.server.close()]);
  });

  it('takes an ejected instance back after its time', async () => {
    const transport = memoryTransport();
    const one = await serve(transport, 'echo-1');
    const two = await serve(transport, 'echo-2');
    const ejection = { ...defaultPolicy.ejection, baseMs: 30 };
    const pool = poolOn(transport, { policy: { ...defaultPolicy, ejection } });
    pool.update([one.listed, two.listed]);
    await come(pool, 'echo-1', 'echo-2');
    const [sick] = [...pool.endpoints] as [Endpoint];
    const now = performance.now();
    for (let n = 0; n < ejection.consecutiveFailures; n++) pool.failed(sick, now);
    assert.deepEqual(names(pool.candidates('echo.say')), ['echo-2']);
    await come(pool, 'echo-1', 'echo-2');
    pool.close();
    await Promise.all([one.server.close(), two.server.close()]);
  });

  it('keeps operations away from an instance whose contract breaks them, and says why', async () => {
    const transport = memoryTransport();
    const old = await serve(transport, 'echo-1');
    const current = await serve(transport, 'echo-2');
    const pool = poolOn(transport, {
      incompatibleOn: async ({ instance }) =>
        new Map(instance === 'echo-1' ? [['echo.say', ['it has no such operation']]] : []),
    });
    pool.update([old.listed, current.listed]);
    await waitFor(() => pool.candidates('echo.other').length === 2);
    assert.deepEqual(names(pool.candidates('echo.say')), ['echo-2']);
    pool.update([old.listed]);
    assert.deepEqual(pool.candidates('echo.say'), []);
    assert.equal(pool.incompatibility('echo.say'), 'it has no such operation');
    pool.close();
    await Promise.all([old.server.close(), current.server.close()]);
  });

  it('prefers instances in its own zone', async () => {
    const transport = memoryTransport();
    const far = await serve(transport, 'echo-1', { zone: 'b' });
    const near = await serve(transport, 'echo-2', { zone: 'a' });
    const pool = poolOn(transport, { zone: 'a' });
    pool.update([far.listed, near.listed]);
    await come(pool, 'echo-2');
    await near.server.close();
    pool.update([far.listed]);
    await come(pool, 'echo-1');
    pool.close();
    await far.server.close();
  });

  it('expects a successor of an instance that drained, and none of one that crashed', async () => {
    const transport = memoryTransport();
    const pool = poolOn(transport);
    assert.equal(pool.hopeUntil(1_000), Number.NEGATIVE_INFINITY);
    const one = await serve(transport, 'echo-1');
    pool.update([one.listed]);
    await come(pool, 'echo-1');
    await one.server.drain(0);
    await come(pool);
    const left = pool.hopeUntil(1_000) - performance.now();
    assert.ok(left > 0 && left <= 1_000);
    const two = await serve(transport, 'echo-1', { startedAt: 2 });
    pool.update([two.listed]);
    await come(pool, 'echo-1');
    await two.server.close();
    await come(pool);
    assert.equal(pool.hopeUntil(1_000), Number.NEGATIVE_INFINITY);
    pool.close();
  });

  it('dials an instance that does not answer no more often the more calls wait for it', async () => {
    let dials = 0;
    const dead: Transport = {
      listen: (options) => memoryTransport().listen(options),
      dial: async () => {
        dials++;
        throw platformError('unavailable', 'nothing listens there');
      },
    };
    const { server, listed } = await serve(memoryTransport(), 'echo-1');
    const pool = poolOn(dead);
    const startedAt = performance.now();
    pool.update([listed]);
    await waitFor(() => {
      for (let n = 0; n < 10; n++) pool.await({ instanceCame() {} });
      return performance.now() - startedAt > 1_000;
    });
    const seconds = (performance.now() - startedAt) / 1_000;
    assert.ok(dials > 2 && dials <= 1 + 10 * seconds, `${dials} dials in ${seconds} s`);
    pool.close();
    await server.close();
  });

  it('goes on expecting an instance that is just coming when another one crashes', async () => {
    const memory = memoryTransport();
    const first = await serve(memory, 'echo-1');
    const second = await serve(memory, 'echo-2');
    const { promise: mayDial, resolve: letDial } = Promise.withResolvers<void>();
    const slow: Transport = {
      listen: (options) => memory.listen(options),
      dial: async (options) => {
        if (options.expect?.instance === 'echo-2') await mayDial;
        return memory.dial(options);
      },
    };
    const pool = poolOn(slow);
    pool.update([first.listed]);
    await come(pool, 'echo-1');
    pool.update([first.listed, second.listed]);
    await first.server.close();
    await come(pool);
    assert.ok(pool.hopeUntil(60_000) > performance.now());
    letDial();
    await come(pool, 'echo-2');
    pool.close();
    await second.server.close();
  });

  it('lets calls finish on an instance that has left, and closes its connections in the end', async () => {
    const transport = memoryTransport();
    const replies: Reply[] = [];
    const dispatch: Dispatch = (_call, reply) => replies.push(reply);
    const { server, listed } = await serve(transport, 'echo-1', {}, dispatch);
    const pool = poolOn(transport);
    pool.update([listed]);
    await come(pool, 'echo-1');
    const { channel } = pool.candidates('echo.say')[0]!;
    const answered = channel!.call('echo.say', Buffer.from('1'));
    const unanswered = assert.rejects(channel!.call('echo.say', Buffer.from('2')), { code: 'unavailable' });
    await waitFor(() => replies.length === 2);
    pool.update([]);
    replies[0]!.value(Buffer.from('done'));
    assert.equal(String((await answered).payload), 'done');
    assert.equal(server.connections, 1);
    pool.close();
    await unanswered;
    await waitFor(() => server.connections === 0);
    await server.close();
  });

  it('dials nobody any more when it is closed', async () => {
    const transport = memoryTransport();
    const { server, listed } = await serve(transport, 'echo-1');
    const pool = poolOn(transport);
    pool.close();
    pool.update([listed]);
    assert.equal(pool.size, 0);
    await server.close();
  });
});
