/** What a member of a fleet makes of contracts, zones, keys and an operator's decisions: real services, one process. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { type Broker, startBroker } from '@flotilla/broker';
import {
  contract,
  deriveToken,
  emptyControl,
  type FleetMember,
  joinFleet,
  type MemberOptions,
  operation,
  platformError,
  type RunningService,
  type Service,
  service,
  silentTelemetry,
  startService,
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { z } from 'zod';

const secret = 'a-secret-for-member-tests';

const by = z.object({ by: z.string() });
const Quote = contract('quote', {
  price: operation({
    input: z.object({ symbol: z.string() }),
    output: by,
    key: 'symbol',
    idempotent: true,
  }),
  old: operation({ output: by, idempotent: true }),
});
const quote = service(Quote, {
  operations: {
    price: (_input, { instance }) => ({ by: instance }),
    old: (_input, { instance }) => ({ by: instance }),
  },
});

/** A later version, which has given up one operation. */
const NextQuote = contract('quote', {
  price: operation({
    input: z.object({ symbol: z.string(), currency: z.string().optional() }),
    output: by,
    key: 'symbol',
    idempotent: true,
  }),
});
const nextQuote = service(NextQuote, {
  operations: { price: (_input, { instance }) => ({ by: instance }) },
});

let folder: string;
let broker: Broker;
const closing: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-member-'));
  broker = await startBroker({ port: 0, credentials: [{ token: deriveToken(secret, 'broker') }] });
});

afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
  await broker.close();
  rmSync(folder, { recursive: true });
});

async function host(what: Service, instance: string, zone = 'local'): Promise<RunningService> {
  const running = await startService(what, {
    instance,
    fleet: 'test',
    secret,
    natsUrl: broker.url,
    dataDirectory: folder,
    environment: { FLOTILLA_ZONE: zone },
    telemetry: silentTelemetry(),
    onFatal: (error) => assert.fail(String(error)),
  });
  closing.push(() => running.stop(500));
  return running;
}

async function enter(options: Partial<MemberOptions> = {}): Promise<FleetMember> {
  const member = await joinFleet({
    service: 'probe',
    instance: 'probe-1',
    secret,
    fleet: 'test',
    natsUrl: broker.url,
    ...options,
  });
  closing.push(() => member.leave());
  return member;
}

/** Calls until every one of these has answered, and nobody else. */
async function answeredBy(call: () => Promise<{ by: string }>, ...instances: string[]): Promise<void> {
  const seen = new Set<string>();
  await waitFor(
    async () => {
      seen.add((await call()).by);
      return seen.size >= instances.length;
    },
    { what: `answers of ${instances.join()}` },
  );
  for (let n = 0; n < 30; n++) seen.add((await call()).by);
  assert.deepEqual([...seen].sort(), instances);
}

async function connected(member: FleetMember, count: number): Promise<void> {
  const open = () =>
    member
      .resilience()
      .services.flatMap(({ instances }) => instances)
      .filter(({ connection }) => connection === 'open').length;
  await waitFor(() => open() === count, { what: `${count} open connections` });
}

test('an operation is not called on an instance that has given it up, and others are', async () => {
  await host(quote, 'quote-1');
  const next = await host(nextQuote, 'quote-2');
  const member = await enter();
  const client = member.client(Quote);
  await client.old();
  await connected(member, 2);
  await answeredBy(() => client.old(), 'quote-1');
  await answeredBy(() => client.price({ symbol: 'A' }), 'quote-1', 'quote-2');
  const report = member.resilience().services[0]!.instances.find(({ instance }) => instance === 'quote-2');
  assert.match(report!.incompatible['quote.old']!.join(), /no such operation|missing|gone/i);
  await next.stop(500);
});

test('when only instances are left that break the caller, it is told so', async () => {
  await host(nextQuote, 'quote-1');
  const member = await enter();
  await assert.rejects(member.client(Quote).old({}, { deadlineMs: 2_000 }), {
    code: 'unavailable',
    data: { executed: 'no' },
    message: /no running instance keeps the contract/,
  });
});

test('calls stay in their zone while somebody serves there', async () => {
  const near = await host(quote, 'quote-1', 'east');
  await host(quote, 'quote-2', 'west');
  const member = await enter({ zone: 'east' });
  const client = member.client(Quote);
  await client.old();
  await connected(member, 2);
  await answeredBy(() => client.old(), 'quote-1');
  await near.stop(500);
  await answeredBy(() => client.old(), 'quote-2');
});

test('calls of one key go to one instance, and of many keys to all, by consistent hash', async () => {
  for (const n of [1, 2, 3]) await host(quote, `quote-${n}`);
  const member = await enter({ policies: { quote: { balancing: 'consistent-hash' } } });
  const client = member.client(Quote);
  await client.price({ symbol: 'A' });
  await connected(member, 3);
  const owners = new Map<string, string>();
  for (let round = 0; round < 5; round++) {
    for (let n = 0; n < 40; n++) {
      const symbol = `S${n}`;
      const { by: owner } = await client.price({ symbol });
      assert.equal(owner, owners.get(symbol) ?? owner);
      owners.set(symbol, owner);
    }
  }
  assert.deepEqual([...new Set(owners.values())].sort(), ['quote-1', 'quote-2', 'quote-3']);
});

test('what an operator decides holds at once: policies by layer, and breakers held by hand', async () => {
  await host(quote, 'quote-1');
  const member = await enter({ policies: { quote: { deadlineMs: 1_000, retry: { attempts: 2 } } } });
  const client = member.client(Quote);
  await client.old();
  member.control({
    ...emptyControl,
    configured: { 'probe->quote': { deadlineMs: 2_000 } },
    policies: { 'quote.old': { deadlineMs: 3_000 } },
    breakers: { quote: 'open', 'probe->quote.price': 'closed' },
  });
  const { values } = member.explain('quote', 'old');
  const of = (key: string) => values.find((value) => value.key === key);
  assert.deepEqual(of('deadlineMs'), {
    key: 'deadlineMs',
    value: 3_000,
    source: 'run time',
    selector: 'quote.old',
  });
  assert.deepEqual([of('retry.attempts')?.value, of('retry.attempts')?.source], [2, 'code']);
  assert.equal(of('waitMs')?.source, 'default');
  assert.equal(member.explain('quote', 'price').values[0]?.value, 2_000);
  await assert.rejects(client.old(), { code: 'unavailable', message: /an operator holds it open/ });
  await client.price({ symbol: 'A' });
  member.control(emptyControl);
  await client.old();
});

test('a fallback answers when the call has failed for good, and is not asked otherwise', async () => {
  const member = await enter();
  const client = member.client(Quote);
  const fallback = (error: Error) => ({ by: `instead: ${(error as { code?: string }).code}` });
  assert.deepEqual(await client.old({}, { fallback, deadlineMs: 2_000 }), { by: 'instead: unavailable' });
  await assert.rejects(
    client.old(
      {},
      {
        deadlineMs: 2_000,
        fallback: () => {
          throw platformError('not_found', 'nothing to fall back to');
        },
      },
    ),
    { code: 'not_found' },
  );
  await host(quote, 'quote-1');
  await waitFor(() => member.discovery.list('quote').length === 1);
  assert.deepEqual(await client.old({}, { fallback }), { by: 'quote-1' });
});

test('who has left the fleet calls nobody any more', async () => {
  await host(quote, 'quote-1');
  const member = await enter();
  const client = member.client(Quote);
  await client.old();
  await member.leave();
  await assert.rejects(client.old(), { code: 'unavailable', data: { executed: 'no' } });
  const stranger = await enter({ instance: 'probe-2' });
  await waitFor(() => stranger.discovery.list('quote').length === 1);
  await stranger.leave();
  await assert.rejects(stranger.client(Quote).old(), { code: 'unavailable', data: { executed: 'no' } });
  for (const { services } of [member.resilience(), stranger.resilience()]) {
    assert.deepEqual(
      services.flatMap(({ instances }) => instances),
      [],
    );
  }
});
