import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Broker, startBroker } from '@flotilla/broker';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import {
  contract,
  deriveToken,
  type FleetMember,
  joinFleet,
  operation,
  type RunningService,
  service,
  silentTelemetry,
  startService,
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { z } from 'zod';

const secret = 'a-secret-for-discovery-tests';

const Echo = contract('echo', {
  say: operation({
    input: z.object({ text: z.string() }),
    output: z.object({ text: z.string(), by: z.string() }),
  }),
});

const echo = service(Echo, {
  version: '1.2.3',
  operations: { say: ({ text }, { instance }) => ({ text, by: instance }) },
});

let folder: string;
let broker: Broker;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-discovery-'));
  broker = await openBroker(0);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await broker.close();
  rmSync(folder, { recursive: true });
});

function openBroker(port: number): Promise<Broker> {
  return startBroker({ port, credentials: [{ token: deriveToken(secret, 'broker') }] });
}

async function host(instance: string): Promise<RunningService> {
  const running = await startService(echo, {
    instance,
    fleet: 'test',
    secret,
    natsUrl: broker.url,
    dataDirectory: folder,
    environment: {},
    telemetry: silentTelemetry(),
    onFatal: (error) => assert.fail(String(error)),
  });
  closing.push(() => running.stop(500));
  return running;
}

async function enter(instance: string, fleet = 'test'): Promise<FleetMember> {
  const member = await joinFleet({ service: 'probe', instance, secret, fleet, natsUrl: broker.url });
  closing.push(() => member.leave());
  return member;
}

function known(member: FleetMember): string[] {
  return member.discovery.list('echo').map(({ instance }) => instance);
}

test('a newcomer knows all instances at once, and a goodbye is heard at once', async () => {
  const one = await host('echo-1');
  await host('echo-2');
  const member = await enter('probe-1');
  await waitFor(() => known(member).length === 2, {
    timeoutMs: 900,
    what: 'both, before their next heartbeat',
  });
  await one.stop(500);
  await waitFor(() => known(member).join() === 'echo-2', { timeoutMs: 900 });
});

test('calls reach an instance that came later, and fail when none is left', async () => {
  const member = await enter('probe-1');
  const client = member.client(Echo);
  await assert.rejects(client.say({ text: 'hi' }), { code: 'unavailable', data: { executed: 'no' } });
  const one = await host('echo-1');
  await waitFor(() => known(member).length === 1);
  assert.deepEqual(await client.say({ text: 'hi' }), { text: 'hi', by: 'echo-1' });
  await one.stop(500);
  await waitFor(() => known(member).length === 0);
  await assert.rejects(client.say({ text: 'hi' }), { code: 'unavailable' });
});

test('while the broker is away calls go on, and when it is back so does discovery', async () => {
  await host('echo-1');
  const member = await enter('probe-1');
  const client = member.client(Echo);
  await waitFor(() => known(member).length === 1);
  await client.say({ text: 'before' });
  const { port } = broker;
  await broker.close();
  // Longer than the time to live: what was known last must stay in use.
  const until = performance.now() + 4_500;
  while (performance.now() < until) {
    assert.equal((await client.say({ text: 'during' })).by, 'echo-1');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  broker = await openBroker(port);
  await host('echo-2');
  await waitFor(() => known(member).join() === 'echo-1,echo-2', { what: 'the newcomer to be known' });
});

test('fleets on one broker do not see each other', async () => {
  await host('echo-1');
  const stranger = await enter('probe-1', 'another');
  const member = await enter('probe-2');
  await waitFor(() => known(member).length === 1);
  assert.deepEqual(known(stranger), []);
});

test('a wrong secret is refused by the broker with a clear error', async () => {
  await assert.rejects(
    joinFleet({
      service: 'probe',
      instance: 'probe-1',
      secret: 'another-secret-altogether',
      natsUrl: broker.url,
    }),
    { code: 'unauthenticated', message: /refused this process's credentials/ },
  );
});

test('NATS tools see the services: PING, INFO and STATS', async () => {
  await host('echo-1');
  await host('echo-2');
  const member = await enter('probe-1');
  await waitFor(() => known(member).length === 2);
  await member.client(Echo).say({ text: 'counted' });
  const nats: NatsConnection = await connect({
    servers: broker.url,
    token: deriveToken(secret, 'broker'),
  });
  closing.push(() => nats.close());
  const ask = async (subject: string) => {
    const answers: Record<string, unknown>[] = [];
    const replies = await nats.requestMany(subject, '', { strategy: 'timer', maxWait: 300 });
    for await (const reply of replies) answers.push(reply.json());
    return answers;
  };
  const pings = await ask('$SRV.PING');
  assert.deepEqual(pings.map(({ id }) => id).sort(), ['echo-1', 'echo-2']);
  assert.ok(
    pings.every(({ type, version }) => type === 'io.nats.micro.v1.ping_response' && version === '1.2.3'),
  );
  const [info] = await ask('$SRV.INFO.echo.echo-1');
  assert.equal(info!.type, 'io.nats.micro.v1.info_response');
  assert.match(JSON.stringify(info!.endpoints), /"say"/);
  const stats = (await ask('$SRV.STATS.echo')) as { endpoints: { num_requests: number }[] }[];
  assert.equal(
    stats.reduce((sum, { endpoints }) => sum + endpoints[0]!.num_requests, 0),
    1,
  );
});

test('heartbeats are for those who call a service; the others hear that an instance comes, and remember it longer', async () => {
  const join = async (instance: string) => {
    const member = await joinFleet({
      ...{ service: 'probe', instance, secret, fleet: 'test', natsUrl: broker.url },
      heartbeats: 'called',
    });
    closing.push(() => member.leave());
    return member;
  };
  const [caller, stranger] = [await join('caller-1'), await join('stranger-1')];
  caller.expect(Echo);
  const doomed = await enter('echo-1');
  doomed.discovery.announce({
    ...{ service: 'echo', instance: 'echo-1', version: '1', contract: 'c', address: 'tcp://127.0.0.1:1' },
    ...{ zone: 'local', weight: 1, state: 'ready', startedAt: Date.now(), pid: 1 },
  });
  for (const member of [caller, stranger]) await waitFor(() => known(member).length === 1);
  // As in a crash: without a goodbye.
  await doomed.connection.close();
  await waitFor(() => known(caller).length === 0);
  assert.deepEqual(known(stranger), ['echo-1']);
  stranger.expect(Echo);
  await waitFor(() => known(stranger).length === 0);
});
