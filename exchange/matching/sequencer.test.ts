import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Database, openDatabase, readMigrations, silentLogger } from 'flotilla';
import type { NewOrder } from './contract.ts';
import { stateHash } from './engine/index.ts';
import { verifyJournal } from './journal-verification.ts';
import { Sequencer } from './sequencer.ts';

const migrations = readMigrations(new URL('./migrations/', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'matching-'));
after(() => rmSync(directory, { recursive: true, force: true }));
let files = 0;
const newFile = (): string => join(directory, `${++files}.sqlite`);

interface Opened {
  readonly database: Database;
  readonly sequencer: Sequencer;
  readonly complaints: string[];
  readonly fatal: unknown[];
  /** Sequences of entries that came to disk, as their followers are told. */
  readonly told: number[];
}

function open(path: string, now: () => number = Date.now): Opened {
  const complaints: string[] = [];
  const fatal: unknown[] = [];
  const told: number[] = [];
  const database = openDatabase({ path, migrations });
  try {
    const sequencer = new Sequencer({
      database,
      log: { ...silentLogger, error: (message) => complaints.push(message) },
      now,
      onDurable: (entries) => told.push(...entries.map(({ sequence }) => sequence)),
      onFatal: (error) => fatal.push(error),
      snapshotInterval: 25,
    });
    return { database, sequencer, complaints, fatal, told };
  } catch (error) {
    database.close();
    throw error;
  }
}

function order(number: number, given: Partial<NewOrder> = {}): NewOrder {
  return {
    id: `order-${String(number).padStart(6, '0')}`,
    clientOrderId: `mine-${number}`,
    account: number % 2 ? 'alice' : 'bob',
    symbol: 'BTC-USD',
    side: number % 2 ? 'buy' : 'sell',
    type: 'limit',
    price: 100 + ((number * 7) % 11),
    quantity: 1 + (number % 5),
    timeInForce: number % 9 ? 'gtc' : 'ioc',
    ...given,
  };
}

/** A journal of `count` orders, written in small commits so that there are snapshots on the way. */
async function fill({ sequencer }: Opened, count: number, from = 0): Promise<void> {
  if (from === 0) sequencer.setMarket('BTC-USD', 'open');
  for (let number = from + 1; number <= from + count; number++) {
    sequencer.submit(order(number));
    if (number % 10 === 0) await sequencer.durable();
  }
  await sequencer.durable();
}

function edit(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  assert.ok(Number(database.prepare(sql).run().changes) > 0, sql);
  database.close();
}

describe('recovery', () => {
  test('a restart gives the same state, from the snapshot or from the whole journal', async () => {
    const path = newFile();
    const first = open(path);
    await fill(first, 130);
    const hash = stateHash(first.sequencer.state);
    const live = first.sequencer.records.open();
    first.database.close();
    for (const wipe of [undefined, 'DELETE FROM snapshots WHERE sequence > 100', 'DELETE FROM snapshots']) {
      if (wipe) edit(path, wipe);
      const again = open(path);
      assert.equal(stateHash(again.sequencer.state), hash);
      assert.deepEqual(again.sequencer.records.open(), live);
      assert.deepEqual(again.complaints, []);
      again.database.close();
    }
  });

  test('damaged snapshots are reported, and older ones or the journal alone serve', async () => {
    const path = newFile();
    const first = open(path);
    await fill(first, 130);
    const hash = stateHash(first.sequencer.state);
    first.database.close();
    edit(
      path,
      "UPDATE snapshots SET state = replace(state, 'order', 'rodre') WHERE sequence = (SELECT max(sequence) FROM snapshots)",
    );
    const second = open(path);
    assert.equal(stateHash(second.sequencer.state), hash);
    assert.equal(second.complaints.length, 1);
    second.database.close();
    edit(path, 'UPDATE snapshots SET state = \'{"format":1\' WHERE state IS NOT NULL');
    const third = open(path);
    assert.equal(stateHash(third.sequencer.state), hash);
    assert.equal(third.complaints.length, 3);
    third.database.close();
  });

  test('a journal with a gap, or that ends before its snapshot, is refused', async () => {
    const path = newFile();
    const first = open(path);
    await fill(first, 39);
    first.database.close();
    edit(path, 'DELETE FROM journal WHERE sequence = 35');
    assert.throws(() => open(path), { code: 'journal_gap', message: /no entry 35, the next one is 36/ });
    edit(path, 'DELETE FROM journal WHERE sequence > 10');
    assert.throws(() => open(path), { code: 'journal_gap', message: /ends at 10/ });
  });

  test('an entry that this build would carry out differently is refused', async () => {
    const path = newFile();
    const first = open(path);
    await fill(first, 39);
    first.database.close();
    edit(
      path,
      `UPDATE journal SET command = replace(command, '"quantity":', '"quantity":1') WHERE sequence = 35`,
    );
    assert.throws(() => open(path), { code: 'journal_diverged', message: /entry 35/ });
    edit(path, "UPDATE journal SET events = 'x' WHERE sequence = 35");
    assert.throws(() => open(path), { code: 'journal_damaged', message: /entry 35/ });
  });

  test('sequences go on without a gap, and the time never goes back', async () => {
    const path = newFile();
    const first = open(path, () => 5_000);
    await fill(first, 20);
    const { head } = first.sequencer;
    await first.sequencer.close();
    first.database.close();
    const second = open(path, () => 1_000);
    second.sequencer.submit(order(999));
    await second.sequencer.durable();
    assert.equal(second.sequencer.head, head + 1);
    const { time } = second.database.prepare('SELECT time FROM journal ORDER BY sequence DESC').get()!;
    assert.equal(time, 5_000);
    assert.ok(verifyJournal(second.database).intact);
    second.database.close();
  });
});

describe('what is not on disk', () => {
  test('nobody is told of it', async () => {
    const { sequencer, database, told } = open(newFile());
    await fill({ sequencer } as Opened, 10);
    const { head } = sequencer;
    assert.deepEqual(
      told,
      Array.from({ length: head }, (_, index) => index + 1),
    );
    sequencer.submit(order(11));
    assert.deepEqual([sequencer.durableHead, sequencer.head, told.at(-1)], [head, head + 1, head]);
    await sequencer.durable();
    assert.deepEqual([sequencer.durableHead, told.at(-1)], [head + 1, head + 1]);
    database.close();
  });

  test('when it cannot be written, nothing is acknowledged and nothing more is accepted', async () => {
    const path = newFile();
    const { sequencer, database, fatal } = open(path);
    await fill({ sequencer } as Opened, 10);
    const { head } = sequencer;
    // What a full disk or a damaged file does: the write fails.
    const other = new DatabaseSync(path);
    other.exec("CREATE TRIGGER full BEFORE INSERT ON journal BEGIN SELECT raise(ABORT, 'disk full'); END");
    other.close();
    sequencer.submit(order(11));
    await assert.rejects(sequencer.durable(), { code: 'unavailable' });
    assert.throws(() => sequencer.submit(order(12)), { code: 'unavailable' });
    await assert.rejects(sequencer.durable(), { code: 'unavailable' });
    assert.equal(sequencer.durableHead, head);
    assert.equal(fatal.length, 1);
    database.close();
  });

  test('an order that closed a moment ago is not taken again', async () => {
    const { sequencer, database } = open(newFile());
    await fill({ sequencer } as Opened, 1);
    const taker = order(2, { side: 'sell', price: 1, timeInForce: 'ioc', quantity: 1 });
    assert.equal(sequencer.submit(taker).kind, 'accepted');
    assert.equal(sequencer.submit(taker).kind, 'duplicate');
    assert.equal(sequencer.abandon(taker.id).kind, 'known');
    const rejected = order(3, { symbol: 'NO-SUCH' });
    assert.equal(sequencer.submit(rejected).kind, 'rejected');
    assert.equal(sequencer.submit(rejected).kind, 'duplicate');
    await sequencer.durable();
    assert.equal(sequencer.submit(taker).kind, 'duplicate');
    assert.equal(sequencer.submit(rejected).kind, 'duplicate');
    database.close();
  });
});

describe('verifying a journal', () => {
  test('an intact journal meets all its snapshots, and the check can run while it is in use', async () => {
    const path = newFile();
    const opened = open(path);
    await fill(opened, 130);
    const script = fileURLToPath(new URL('./verify-journal.ts', import.meta.url));
    const { status, stdout } = spawnSync(process.execPath, [script, path, '--json'], { encoding: 'utf8' });
    const report = JSON.parse(stdout);
    assert.equal(status, 0);
    assert.equal(report.entries, 131);
    assert.ok(report.snapshots >= 4);
    assert.equal(report.stateHash, stateHash(opened.sequencer.state));
    opened.database.close();
    edit(
      path,
      'UPDATE snapshots SET hash = hash || 0 WHERE sequence = (SELECT min(sequence) FROM snapshots)',
    );
    const damaged = spawnSync(process.execPath, [script, path], { encoding: 'utf8' });
    assert.equal(damaged.status, 1);
    assert.match(damaged.stdout, /NOT intact/);
    assert.equal(spawnSync(process.execPath, [script, `${path}.none`]).status, 2);
  });

  test('a changed event is found', async () => {
    const path = newFile();
    const opened = open(path);
    await fill(opened, 60);
    opened.database.close();
    edit(
      path,
      `UPDATE journal SET events = replace(events, '"quantity":', '"quantity":1') WHERE sequence = 20`,
    );
    const database = openDatabase({ path, migrations });
    const { intact, faults, entries } = verifyJournal(database);
    assert.deepEqual([intact, entries], [false, 19]);
    assert.match(faults[0]!, /journal_diverged.*entry 20/);
    database.close();
  });
});
