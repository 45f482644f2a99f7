/**
 * What a server must not take for overload: crowds and slow calls that cost it nothing. In processes of their own, each just
 * begun, by a caller that does not try again.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { type Broker, startBroker } from '@flotilla/broker';
import {
  type Attempt,
  attempt,
  deriveToken,
  type FleetMember,
  type FlotillaError,
  joinFleet,
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { repository } from './fleet-process.ts';
import { Patient } from './patient/patient.ts';

const secret = 'a-secret-for-tests-of-healthy-load';
const host = join(repository, 'packages/core/src/service/run.ts');
const module = join(repository, 'test/patient/patient.ts');

let folder: string;
let broker: Broker;
let server: ChildProcess;
let member: FleetMember;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-load-'));
  broker = await startBroker({ port: 0, credentials: [{ token: deriveToken(secret, 'broker') }] });
});

after(async () => {
  await broker.close();
  rmSync(folder, { recursive: true });
});

beforeEach(async () => {
  const environment = {
    FLOTILLA_SECRET: secret,
    FLOTILLA_FLEET: 'test',
    FLOTILLA_DATA: folder,
    NATS_URL: broker.url,
  };
  server = spawn(process.execPath, [host, module], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
  member = await joinFleet({
    ...{ service: 'crowd', instance: 'crowd-1', secret, fleet: 'test', natsUrl: broker.url },
    policies: { '*': { retry: { attempts: 1 }, throttle: { enabled: false } } },
  });
  await waitFor(() => member.discovery.list('patient').some(({ pid }) => pid === server.pid), {
    what: 'the service to be there',
  });
});

afterEach(async () => {
  await member.leave();
  const gone = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  await gone;
});

/** How many calls failed why. */
async function failures(attempts: readonly Promise<Attempt<unknown, FlotillaError>>[]) {
  const reasons: Record<string, number> = {};
  for (const outcome of await Promise.all(attempts)) {
    if (!outcome.ok) reasons[outcome.error.message] = (reasons[outcome.error.message] ?? 0) + 1;
  }
  return reasons;
}

const client = () => member.client(Patient);
const times = <T>(count: number, make: (n: number) => T): T[] =>
  Array.from({ length: count }, (_, n) => make(n));

test('a crowd of quick calls is answered', async () => {
  assert.deepEqual(await failures(times(1_000, (to) => attempt(client().add({ to })))), {});
});

test('a crowd of calls that wait is answered', async () => {
  assert.deepEqual(await failures(times(300, () => attempt(client().wait({ ms: 300 })))), {});
});

test('calls that wait unevenly are answered, for as long as they come', async () => {
  const calls: Promise<Attempt<unknown, FlotillaError>>[] = [];
  const until = performance.now() + 4_000;
  const from = performance.now();
  await waitFor(() => {
    const now = performance.now();
    // 300 a second, that wait for 300 ms on average.
    while (calls.length < 0.3 * (now - from)) {
      calls.push(attempt(client().wait({ ms: -300 * Math.log(1 - Math.random()) })));
    }
    return now > until;
  });
  assert.deepEqual(await failures(calls), {});
});
