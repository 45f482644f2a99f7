import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Instance } from '../discovery/instance.ts';
import type { Transport, WireServer } from '../rpc/channel.ts';
import { memoryTransport } from '../rpc/memory-transport.ts';
import { silentLogger } from '../telemetry/log.ts';
import { waitFor } from '../testing/wait-for.ts';
import { ChannelPool } from './channel-pool.ts';

const key = Buffer.alloc(32, 7);
const input = Buffer.from('{}');

async function serve(
  transport: Transport,
  instance: string,
): Promise<{ server: WireServer; listed: Instance }> {
  const server = await transport.listen({
    address: 'memory:',
    identity: { service: 'echo', instance, key },
    dispatch: (_call, reply) => reply.value(Buffer.from(instance)),
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
  };
  return { server, listed };
}

function poolOn(transport: Transport): ChannelPool {
  const identity = { service: 'caller', instance: 'caller-1', key };
  return new ChannelPool({ service: 'echo', identity, transport, log: silentLogger });
}

test('without an instance a call fails at once, and says that it was not executed', async () => {
  const pool = poolOn(memoryTransport());
  await assert.rejects(pool.connect(), {
    code: 'unavailable',
    data: { executed: 'no' },
    message: /no instance is running/,
  });
});

test('calls go to every instance, and only to those that are left when one leaves', async () => {
  const transport = memoryTransport();
  const one = await serve(transport, 'echo-1');
  const two = await serve(transport, 'echo-2');
  const pool = poolOn(transport);
  pool.update([one.listed, two.listed]);
  await pool.connect();
  const seen = new Set<string>();
  await waitFor(
    async () => {
      const channel = pool.ready ?? (await pool.connect());
      seen.add((await channel.call('echo.say', input)).payload.toString());
      return seen.size === 2;
    },
    { what: 'both instances to be called' },
  );
  pool.update([two.listed]);
  for (let n = 0; n < 20; n++) {
    assert.equal((await (await pool.connect()).call('echo.say', input)).payload.toString(), 'echo-2');
  }
  pool.close();
  await Promise.all([one.server.close(), two.server.close()]);
});

test('a dead instance is passed over for another one', async () => {
  const transport = memoryTransport();
  const dead = await serve(transport, 'echo-1');
  const alive = await serve(transport, 'echo-2');
  await dead.server.close();
  const pool = poolOn(transport);
  pool.update([dead.listed, alive.listed]);
  assert.equal((await pool.connect()).peer.instance, 'echo-2');
  assert.ok(pool.isConnected(alive.listed));
  assert.ok(!pool.isConnected(dead.listed));
  pool.close();
  await alive.server.close();
});

test('a restarted instance is dialled at its new address', async () => {
  const transport = memoryTransport();
  const first = await serve(transport, 'echo-1');
  const pool = poolOn(transport);
  pool.update([first.listed]);
  await pool.connect();
  await first.server.close();
  await waitFor(() => pool.ready === undefined);
  const second = await serve(transport, 'echo-1');
  pool.update([{ ...second.listed, startedAt: 2 }]);
  assert.equal((await (await pool.connect()).call('echo.say', input)).payload.toString(), 'echo-1');
  pool.close();
  await second.server.close();
});
