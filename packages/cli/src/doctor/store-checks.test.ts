import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Layout, layoutOf } from '../data/layout.ts';
import type { ToldStatus } from '../streams/broker-status.ts';
import { idleStoreFinding, runningStoreFindings } from './store-checks.ts';

const STORE = {
  directory: '/data/broker',
  durability: 'disk',
  diskBytes: 12_000_000,
  freeBytes: 10_000_000_000,
  commits: 400,
  commitP50Ms: 0.2,
  commitP99Ms: 3,
  damagedRecords: 0,
} as const;

const TOLD: ToldStatus = {
  version: '0.1.0',
  uptimeMs: 1,
  connections: 1,
  subscriptions: 1,
  inMessages: 1,
  inBytes: 1,
  outMessages: 1,
  outBytes: 1,
  slowConsumers: 0,
  streams: 1,
  consumers: 1,
  messages: 1,
  bytes: 1,
  store: STORE,
};

const findings = (store: Partial<typeof STORE | Record<keyof typeof STORE, unknown>>) =>
  runningStoreFindings({ ...TOLD, store: { ...STORE, ...store } as ToldStatus['store'] }, 'nats://x');

describe('the store of a running broker', () => {
  it('is fine when nothing is wrong', () => {
    assert.deepEqual(
      findings({}).map(({ result }) => result),
      ['ok'],
    );
  });

  it('has each of its problems named with a repair', () => {
    const found = findings({ damagedRecords: 2, freeBytes: 1_000_000, commitP99Ms: 250 });
    assert.deepEqual(
      found.map(({ result }) => result),
      ['problem', 'problem', 'note'],
    );
    assert.match(found[0]?.message ?? '', /2 damaged records/);
    assert.match(found[0]?.repair ?? '', /flotilla logs broker/);
    assert.match(found[1]?.message ?? '', /only 977 KiB free where \/data\/broker lies/);
  });

  it('is not known of a NATS server, and not there without a data directory', () => {
    assert.match(runningStoreFindings(null, 'nats://x')[0]?.message ?? '', /NATS server at nats:\/\/x/);
    assert.match(runningStoreFindings({ ...TOLD, store: null }, 'x')[0]?.message ?? '', /no data directory/);
  });
});

describe('the store of a broker that does not run', () => {
  let root: string;
  let layout: Layout;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'flotilla-doctor-'));
    layout = layoutOf(root);
    mkdirSync(layout.ownDirectory('broker'));
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('may be empty', async () => {
    assert.equal((await idleStoreFinding(layout)).result, 'ok');
  });

  it('that is not one is a problem with a repair', async () => {
    writeFileSync(join(layout.ownDirectory('broker'), 'disk.sqlite'), Buffer.alloc(8_192, 7));
    const { result, message, repair } = await idleStoreFinding(layout);
    assert.equal(result, 'problem');
    assert.match(message, /disk\.sqlite is not a file of this broker$/);
    assert.match(repair ?? '', /move the file away/);
  });
});
