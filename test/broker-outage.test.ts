import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { connect } from '@nats-io/transport-node';
import {
  type Client,
  contract,
  deriveToken,
  type FleetMember,
  joinFleet,
  operation,
  service,
  silentTelemetry,
  startService,
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { z } from 'zod';
import { BrokerProcess } from './broker-process.ts';

const secret = 'a-secret-for-broker-outages';
const token = deriveToken(secret, 'broker');
/** Longer than the time to live of an instance, 3.5 s, and a heartbeat. */
const outageMs = 5_000;

const contractOf = <Name extends string>(name: Name) =>
  contract(name, { who: operation({ output: z.object({ instance: z.string() }), idempotent: true }) });
const [Echo, Quiet] = [contractOf('echo'), contractOf('quiet')];
const answer = { who: (_: unknown, { instance }: { instance: string }) => ({ instance }) };
const echo = service(Echo, { version: '1.0.0', operations: answer });
const quiet = service(Quiet, { version: '1.0.0', operations: answer });
const everybody = ['echo-1', 'echo-2', 'echo-3', 'quiet-1', 'quiet-2'];

let folder: string;
let broker: BrokerProcess;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-outage-'));
  broker = new BrokerProcess(token);
  await broker.start();
  for (const instance of everybody) await host(instance);
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await broker.kill();
  rmSync(folder, { recursive: true });
});

async function host(instance: string): Promise<void> {
  const running = await startService(instance.startsWith('echo') ? echo : quiet, {
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
}

async function enter(instance: string): Promise<FleetMember> {
  const member = await joinFleet({ service: 'probe', instance, secret, fleet: 'test', natsUrl: broker.url });
  closing.push(() => member.leave());
  return member;
}

const known = (member: FleetMember) => member.discovery.list().map(({ instance }) => instance);

/** A member that has heard of everybody, with the instances that it lost since. */
async function enterAndFollow(instance: string): Promise<{ member: FleetMember; lost: string[] }> {
  const member = await enter(instance);
  await waitFor(() => known(member).length === everybody.length);
  const lost: string[] = [];
  member.discovery.onChange((change) => {
    if (change.kind === 'left') lost.push(change.instance.instance);
  });
  return { member, lost };
}

/** Calls all the time, several at once, for so long; every call must succeed. Gives the instances that answered. */
async function callFor(client: Client<typeof Echo>, milliseconds: number): Promise<string[]> {
  const answered = new Set<string>();
  const until = performance.now() + milliseconds;
  while (performance.now() < until) {
    for (const { instance } of await Promise.all(Array.from({ length: 8 }, () => client.who()))) {
      answered.add(instance);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return [...answered].sort();
}

test('while the broker hangs calls go on, also to services that nobody called before, and no instance is lost', async () => {
  const { member: caller, lost: lostByCaller } = await enterAndFollow('probe-1');
  const { member: watcher, lost: lostByWatcher } = await enterAndFollow('probe-2');
  const client = caller.client(Echo);
  await client.who();
  broker.pause();
  try {
    assert.deepEqual(await callFor(client, outageMs), ['echo-1', 'echo-2', 'echo-3']);
    assert.match((await watcher.client(Quiet).who()).instance, /^quiet-/);
  } finally {
    broker.resume();
  }
  await callFor(client, 1_500);
  await host('echo-4');
  await waitFor(() => known(watcher).includes('echo-4'), { what: 'discovery to work again' });
  assert.deepEqual([lostByCaller, lostByWatcher], [[], []]);
});

test('after the broker died and came back no instance is lost, and their return is no storm', async () => {
  const { member: caller, lost } = await enterAndFollow('probe-1');
  const client = caller.client(Echo);
  await client.who();
  await broker.kill();
  assert.deepEqual(await callFor(client, outageMs), ['echo-1', 'echo-2', 'echo-3']);
  caller.reportGone({ service: 'quiet', instance: 'quiet-9', startedAt: Date.now() });

  await broker.start();
  const observer = await connect({ servers: broker.url, token });
  closing.push(() => observer.close());
  const heard: string[] = [];
  observer.subscribe('>', {
    callback: (_, { subject }) => {
      heard.push(subject);
    },
  });
  await observer.flush();
  const newcomer = await enter('probe-2');
  // What returns to the broker at the same time as the newcomer is known to it when it needs it first.
  assert.match((await newcomer.client(Quiet).who()).instance, /^quiet-/);
  await newcomer.discovery.settled('nobody');
  assert.deepEqual(known(newcomer), everybody);
  assert.ok(heard.includes('flotilla.test.goodbye'), 'a death during the outage is reported after it');

  const seen = heard.length;
  await callFor(client, 2_000);
  const perSecond = (heard.length - seen) / 2;
  assert.ok(seen <= 4 * everybody.length, `${seen} messages on the return of the broker`);
  assert.ok(perSecond <= 1.5 * everybody.length + 2, `${perSecond} messages a second afterwards`);
  assert.deepEqual(lost, []);
});
