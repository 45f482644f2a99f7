/**
 * What an acknowledgement of the broker is worth: its process is killed, its power is cut, its flushes fail, its files
 * are damaged and its disk is full, and nothing that it acknowledged is lost or changed in silence. A few rounds of
 * each; `npm run bench -- durability` plays hundreds.
 */
import assert from 'node:assert/strict';
import {
  closeSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  compare,
  DurableBroker,
  killRounds,
  Ledger,
  PublishingLoad,
  powerCutRounds,
  seededRandom,
} from '@flotilla/bench/durability';
import { buildPowerCut, ForgetfulDisk } from '@flotilla/bench/power-cut';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { findProgram, skipWithout, waitFor } from 'flotilla/testing';
import { limitFileSize, SmallFileSystem } from './small-disk.ts';

const folder = mkdtempSync(join(tmpdir(), 'flotilla-durability-'));
after(() => rmSync(folder, { recursive: true }));

const cache = join(folder, 'cache');
const library = buildPowerCut(folder);
const skip = skipWithout(library, 'no C compiler: apt-get install gcc libc6-dev');
const seed = Number(process.env.FLOTILLA_TEST_SEED ?? 1);

async function api(nc: NatsConnection, verb: string, request: object = {}): Promise<Record<string, never>> {
  return (await nc.request(`$JS.API.${verb}`, JSON.stringify(request), { timeout: 10_000 })).json();
}

const orders = { name: 'ORDERS', subjects: ['orders.*'] };

test('a broker that is killed again and again loses nothing, and an inbox lets nothing happen twice', async () => {
  const outcome = await killRounds({ rounds: 4, longestMs: 250, random: seededRandom(seed) });
  const { acknowledged, lost, surplus, unhandled, handledTwice } = outcome;
  assert.ok(acknowledged > 0);
  assert.deepEqual(
    { lost, surplus, unhandled, handledTwice },
    { lost: 0, surplus: 0, unhandled: 0, handledTwice: 0 },
  );
});

test('a broker whose power is cut again and again loses nothing', { skip }, async () => {
  const options = { rounds: 6, longestMs: 250, random: seededRandom(seed), library: library! };
  const { acknowledged, lost, surplus } = await powerCutRounds(options);
  assert.ok(acknowledged > 0);
  assert.deepEqual({ lost, surplus }, { lost: 0, surplus: 0 });
});

test('the power cut bites: a broker that does not flush loses what it acknowledged', { skip }, async () => {
  const { lost } = await powerCutRounds({
    rounds: 2,
    longestMs: 500,
    random: seededRandom(seed),
    library: library!,
    durability: 'process',
    remains: ['nothing'],
  });
  assert.ok(lost > 0);
});

test('after a flush that failed nothing is acknowledged, and the broker ends loudly', { skip }, async () => {
  const disk = new ForgetfulDisk(library!);
  const broker = new DurableBroker({ data: disk.root, cache, environment: disk.environment });
  try {
    await broker.start();
    const nc = await connect({ servers: broker.servers, reconnect: false });
    await api(nc, 'STREAM.CREATE.ORDERS', orders);
    const ledger = new Ledger();
    const load = new PublishingLoad(nc, ledger, {
      publishers: 64,
      subject: 'orders',
      random: seededRandom(seed),
    });
    await waitFor(() => ledger.acknowledged.size > 200);
    disk.failNextFlush();
    assert.deepEqual(await broker.ended(), { code: 1, signal: null });
    assert.match(broker.log, /"level":"error".*could not write/);
    await nc.closed();
    load.abandon();
    disk.cutPower();
    await broker.start();
    const again = await connect({ servers: broker.servers });
    const { lost, surplus } = await compare(again, 'ORDERS', ledger);
    assert.deepEqual({ lost, surplus }, { lost: [], surplus: [] });
    await again.close();
  } finally {
    await broker.kill();
    disk.remove();
  }
});

/** A stopped broker with messages `needle-1-…` to `needle-9-…` in its file. */
async function withNeedles(use: (broker: DurableBroker, file: string) => Promise<void>): Promise<void> {
  const data = mkdtempSync(join(folder, 'data-'));
  const broker = new DurableBroker({ data, cache });
  try {
    await broker.start();
    const nc = await connect({ servers: broker.servers });
    await api(nc, 'STREAM.CREATE.ORDERS', orders);
    for (let i = 1; i <= 9; i++) await nc.request('orders.a', `needle-${i}-${'x'.repeat(2_000)}`);
    await nc.close();
    await broker.stop();
    await use(broker, join(data, 'disk.sqlite'));
  } finally {
    await broker.kill();
  }
}

function flipBit(file: string, position: number): void {
  const byte = readFileSync(file)[position]!;
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Uint8Array.of(byte ^ 4), 0, 1, position);
  closeSync(descriptor);
}

test('a flipped bit in a message is found and named, never skipped, and a delete repairs it', async () => {
  await withNeedles(async (broker, file) => {
    flipBit(file, readFileSync(file).indexOf('needle-5-') + 1_000);
    await broker.start();
    const nc = await connect({ servers: broker.servers });
    const { error } = await api(nc, 'STREAM.MSG.GET.ORDERS', { seq: 5 });
    assert.match(JSON.stringify(error), /message 5 of stream ORDERS is damaged/);
    await api(nc, 'CONSUMER.DURABLE.CREATE.ORDERS.reader', {
      stream_name: 'ORDERS',
      config: { durable_name: 'reader', ack_policy: 'explicit' },
    });
    const delivered: string[] = [];
    nc.subscribe('inbox', {
      callback: (_, message) => {
        delivered.push(message.string().slice(0, 8));
      },
    });
    nc.publish('$JS.API.CONSUMER.MSG.NEXT.ORDERS.reader', '{"batch":9}', { reply: 'inbox' });
    await waitFor(() => /"message":.*ORDERS.*damaged|damaged.*ORDERS/.test(broker.log));
    await waitFor(() => delivered.length >= 4);
    const status = (await nc.request('$FLOTILLA.BROKER.STATUS')).json<{
      store: { damagedRecords: number };
    }>();
    assert.ok(status.store.damagedRecords > 0, JSON.stringify(status.store));
    assert.deepEqual(delivered, ['needle-1', 'needle-2', 'needle-3', 'needle-4']);
    assert.equal((await api(nc, 'STREAM.MSG.DELETE.ORDERS', { seq: 5 })).success, true);
    await waitFor(() => delivered.length >= 8);
    assert.deepEqual(delivered.slice(4), ['needle-6', 'needle-7', 'needle-8', 'needle-9']);
    await nc.close();
  });
});

test('a file that was cut off is not taken for a whole one', async () => {
  await withNeedles(async (broker, file) => {
    truncateSync(file, Math.floor(statSync(file).size / 2));
    await assert.rejects(broker.start(), /the broker ended with 1: .*(data_damaged|damaged)/s);
  });
});

interface FullDisk {
  readonly data: string;
  /** Called when the broker has begun. */
  fill(broker: DurableBroker): void;
  makeRoom(): void;
}

async function survivesFullDisk({ data, fill, makeRoom }: FullDisk): Promise<void> {
  const broker = new DurableBroker({ data, cache });
  const ledger = new Ledger();
  const options = { publishers: 64, subject: 'orders', largest: 30_000, random: seededRandom(seed) };
  try {
    await broker.start();
    const nc = await connect({ servers: broker.servers, reconnect: false });
    await api(nc, 'STREAM.CREATE.ORDERS', orders);
    const load = new PublishingLoad(nc, ledger, options);
    await waitFor(() => ledger.acknowledged.size > 50);
    fill(broker);
    let ended = false;
    void broker.ended().then(() => {
      ended = true;
    });
    await waitFor(() => ended || load.refusals.length > 0, { timeoutMs: 30_000 });
    load.abandon();
    if (/"err_code":10047/.test(load.refusals[0] ?? '')) {
      makeRoom();
      await nc.close();
    } else {
      assert.deepEqual(await broker.ended(), { code: 1, signal: null });
      assert.match(broker.log, /"level":"error".*could not write/);
      makeRoom();
      await broker.start();
    }
    const again = await connect({ servers: broker.servers });
    const { lost, surplus } = await compare(again, 'ORDERS', ledger);
    assert.deepEqual({ lost, surplus }, { lost: [], surplus: [] });
    const before = ledger.acknowledged.size;
    const resumed = new PublishingLoad(again, ledger, options);
    await waitFor(() => ledger.acknowledged.size > before + 100);
    await resumed.drain();
    assert.deepEqual(resumed.refusals, []);
    assert.deepEqual((await compare(again, 'ORDERS', ledger)).lost, []);
    await again.close();
  } finally {
    await broker.kill();
  }
}

// Only root can make a file system; everyone can do the one after.
if (process.getuid?.() === 0) {
  test('on a full disk nothing that was acknowledged is lost, and with room again it goes on', async () => {
    const small = new SmallFileSystem('8m');
    try {
      await survivesFullDisk({
        data: join(small.path, 'data'),
        fill: () => {},
        makeRoom: () => small.grow('256m'),
      });
    } finally {
      small.remove();
    }
  });
}

test('where a file may not grow any more the same holds', {
  skip: skipWithout(findProgram('prlimit'), 'prlimit is not installed: apt-get install util-linux'),
}, async () => {
  const data = mkdtempSync(join(folder, 'limited-'));
  await survivesFullDisk({
    data,
    fill: ({ pid }) => limitFileSize(pid, 3_000_000),
    makeRoom: () => {},
  });
});
