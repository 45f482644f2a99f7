import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { BrokerError, type BrokerErrorCode } from '../../broker-error.ts';
import { messageChecksum, subjectChecksum } from '../store/checksum.ts';
import { GroupCommit } from '../store/group-commit.ts';
import { Statement } from '../store/statement.ts';
import { Store } from '../store/store.ts';
import { StreamRows } from '../store/stream-rows.ts';
import { backupStore } from './backup-store.ts';
import { examineStore } from './examine-store.ts';
import { backupIdleStore } from './idle-store.ts';
import { restoreStore } from './restore-store.ts';
import { storeHealth } from './store-health.ts';

const SUBJECT = 'orders.placed';

/** A store with one stream, written to as the broker does it. */
class Shop {
  readonly commits = new GroupCommit({ onFailure: () => {}, onWorkFailure: () => {} });
  readonly store: Store;
  readonly path: string;
  readonly #insert: Statement;
  readonly #rows: StreamRows;
  readonly #id: number;
  stored = 0;

  constructor(directory: string, file = 'disk.sqlite', stream = 'orders') {
    mkdirSync(directory, { recursive: true });
    this.path = join(directory, file);
    this.store = new Store(this.path, 'disk', this.commits);
    this.#rows = new StreamRows(this.store);
    const known = this.#rows.all().find(({ name }) => name === stream);
    this.#id = known?.id ?? this.#rows.create(stream, 1, '{}').id;
    this.stored = known?.messages ?? 0;
    if (known === undefined) {
      this.store.execute((database) =>
        database.exec(`INSERT INTO subjects_${this.#id} VALUES (1, '${SUBJECT}', 0, 0)`),
      );
    }
    this.#insert = new Statement(
      this.store.database,
      `INSERT INTO messages_${this.#id} VALUES (?, 1, ?, 0, ?, ?)`,
    );
    this.commits.flush();
  }

  add(count: number): void {
    this.store.begin();
    for (let n = 0; n < count; n++) {
      const sequence = ++this.stored;
      const payload = Buffer.from(`order ${sequence} ${'x'.repeat(500)}`);
      const checksum = messageChecksum(subjectChecksum(SUBJECT), sequence, sequence, 0, payload);
      this.store.run(this.#insert, sequence, sequence, checksum, payload);
    }
    const counters = {
      lastSequence: this.stored,
      lastTimeUs: 1,
      messages: this.stored,
      bytes: 1,
      subjects: 1,
    };
    this.#rows.saveCounters(this.#id, counters);
  }

  get open() {
    return { path: this.path, database: this.store.database, flush: () => this.commits.flush() };
  }

  close(): void {
    this.commits.close();
    this.store.close();
  }
}

describe('a backup', () => {
  let folder: string;
  let data: string;
  let copy: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-backup-'));
    data = join(folder, 'data');
    copy = join(folder, 'copy');
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function refused(work: () => unknown, code: BrokerErrorCode, message: RegExp): Promise<void> {
    await assert.rejects(
      async () => work(),
      (error) => {
        assert.ok(error instanceof BrokerError, String(error));
        assert.equal(error.code, code);
        assert.match(error.message, message);
        return true;
      },
    );
  }

  it('is the store as it was at one commit, while messages go on being stored', async () => {
    const shop = new Shop(data);
    for (let n = 0; n < 200; n++) shop.add(100);
    shop.commits.flush();
    const before = shop.stored;
    let done = false;
    const writing = (async () => {
      let turns = 0;
      // The transaction stays open over a turn of the event loop, as under load.
      while (!done) {
        shop.add(10);
        turns++;
        await new Promise((resolve) => setImmediate(resolve));
      }
      return turns;
    })();
    await backupStore([shop.open], copy);
    done = true;
    assert.ok((await writing) > 1, 'nobody waited for the backup');
    shop.close();
    const report = examineStore(copy);
    assert.deepEqual(report.problems, []);
    assert.ok(report.messages >= before && report.messages <= shop.stored, `${report.messages}`);
    assert.deepEqual(report.streams, [
      { name: 'orders', messages: report.messages, lastSequence: report.messages },
    ]);
    assert.deepEqual(readdirSync(copy), ['disk.sqlite'], 'each file is whole by itself');
    assert.equal(statSync(copy).mode & 0o777, 0o700);
    assert.equal(statSync(join(copy, 'disk.sqlite')).mode & 0o777, 0o600);
    assert.deepEqual(examineStore(data).problems, []);
  });

  it('has what was acknowledged before, and both files of a store', async () => {
    const disk = new Shop(data);
    const process = new Shop(data, 'process.sqlite', 'prices');
    disk.add(3);
    process.add(2);
    await backupStore([disk.open, process.open], copy);
    disk.close();
    process.close();
    assert.deepEqual(examineStore(copy).streams, [
      { name: 'orders', messages: 3, lastSequence: 3 },
      { name: 'prices', messages: 2, lastSequence: 2 },
    ]);
  });

  it('of a store that nobody uses is made by whoever asks, and refused while somebody does', async () => {
    const shop = new Shop(data);
    shop.add(7);
    shop.commits.flush();
    await refused(() => backupIdleStore(data, copy), 'data_locked', /in use by another process/);
    await refused(() => storeHealth(data), 'data_locked', /in use by another process/);
    shop.close();
    await backupIdleStore(data, copy);
    assert.equal(examineStore(copy).messages, 7);
    const { streams, messages } = storeHealth(data);
    assert.deepEqual({ streams, messages }, { streams: 1, messages: 7 });
    await refused(() => backupIdleStore(folder, join(folder, 'other')), 'data_missing', /no store in/);
  });

  it('never overwrites anything, and leaves nothing behind when it fails', async () => {
    const shop = new Shop(data);
    writeFileSync(copy, 'mine');
    await refused(() => backupStore([shop.open], copy), 'backup_exists', /copy exists.*another name/);
    assert.equal(readFileSync(copy, 'utf8'), 'mine');
    const nowhere = join(folder, 'no', 'where');
    await refused(() => backupStore([shop.open], nowhere), 'backup_failed', /ENOENT.*nothing of it is left/);
    const gone = { ...shop.open, path: join(folder, 'gone.sqlite') };
    await refused(() => backupStore([shop.open, gone], join(folder, 'other')), 'backup_failed', /ENOENT/);
    shop.close();
    assert.deepEqual(readdirSync(folder).sort(), ['copy', 'data']);
  });

  it('fails when the store is closed meanwhile, and is not there then', async () => {
    const shop = new Shop(data);
    shop.add(10_000);
    const flush = (): void => {
      shop.commits.flush();
      setImmediate(() => shop.close());
    };
    const work = () => backupStore([{ ...shop.open, flush }], copy);
    await refused(work, 'backup_failed', /was closed before all of it was copied/);
    assert.deepEqual(readdirSync(folder), ['data']);
    await refused(() => backupStore([], copy), 'data_missing', /no data directory/);
  });

  it('names what is damaged in it', async () => {
    const shop = new Shop(data);
    shop.add(50);
    await backupStore([shop.open], copy);
    shop.close();
    const file = join(copy, 'disk.sqlite');
    examineStore(copy);
    const bytes = readFileSync(file);
    const at = bytes.indexOf('order 17 ');
    bytes[at] = bytes[at]! ^ 1;
    writeFileSync(file, bytes);
    assert.deepEqual(examineStore(copy).problems, [
      { file: 'disk.sqlite', stream: 'orders', sequence: 17, message: 'its checksum does not fit' },
    ]);
    const restore = () => restoreStore(copy, join(folder, 'new'), new Date());
    await refused(restore, 'backup_damaged', /orders #17: its checksum does not fit: take another one/);
    assert.ok(!existsSync(join(folder, 'new')));
  });

  it('is told from what is none', async () => {
    await refused(() => examineStore(folder), 'data_missing', /no store in/);
    mkdirSync(copy);
    writeFileSync(join(copy, 'disk.sqlite'), 'not a database at all, but long enough to be one'.repeat(100));
    await refused(() => examineStore(copy), 'data_not_ours', /is not a file of this broker/);
  });

  it('that was cut short is damaged', async () => {
    const shop = new Shop(data);
    shop.add(2_000);
    await backupStore([shop.open], copy);
    shop.close();
    examineStore(copy);
    const file = join(copy, 'disk.sqlite');
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length / 2)));
    const outcome = await (async () => examineStore(copy))().then(
      ({ problems }) => problems.length > 0,
      (error: unknown) => error instanceof BrokerError && error.code === 'data_damaged',
    );
    assert.ok(outcome);
  });
});

describe('a restore', () => {
  let folder: string;
  let data: string;
  let copy: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'flotilla-restore-'));
    data = join(folder, 'data');
    copy = join(folder, 'copy');
    const shop = new Shop(data);
    shop.add(5);
    await backupStore([shop.open], copy);
    shop.add(5);
    shop.close();
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('puts the backup in place, and keeps what was there', async () => {
    new Shop(data, 'process.sqlite', 'prices').close();
    const { previous, messages } = await restoreStore(copy, data, new Date('2026-05-01T12:00:00Z'));
    assert.equal(messages, 5);
    assert.equal(previous, join(data, 'before-restore-2026-05-01T12-00-00.000Z'));
    assert.deepEqual(readdirSync(data).sort(), ['before-restore-2026-05-01T12-00-00.000Z', 'disk.sqlite']);
    const restored = new Shop(data);
    assert.equal(restored.stored, 5);
    restored.add(1);
    restored.close();
    assert.deepEqual(examineStore(previous!).streams, [
      { name: 'orders', messages: 10, lastSequence: 10 },
      { name: 'prices', messages: 0, lastSequence: 0 },
    ]);
    assert.equal(examineStore(copy).messages, 5, 'the backup is as it was');
    assert.equal(examineStore(data).messages, 6);
  });

  it('into an empty place has nothing to keep', async () => {
    const fresh = join(folder, 'deep', 'fresh');
    assert.equal((await restoreStore(copy, fresh, new Date())).previous, undefined);
    assert.equal(examineStore(fresh).messages, 5);
    assert.equal(statSync(fresh).mode & 0o777, 0o700);
  });

  it('is refused while a broker has the store', async () => {
    const running = new Shop(data);
    await assert.rejects(restoreStore(copy, data, new Date()), (error) => {
      assert.ok(error instanceof BrokerError);
      assert.equal(error.code, 'data_locked');
      return true;
    });
    running.add(1);
    running.close();
    assert.equal(examineStore(data).messages, 11);
    assert.deepEqual(readdirSync(data), ['disk.sqlite', 'disk.sqlite-mark']);
  });

  it('helps where the store is damaged beyond opening', async () => {
    const file = join(data, 'disk.sqlite');
    writeFileSync(file, Buffer.alloc(8_192, 7));
    const { previous } = await restoreStore(copy, data, new Date());
    assert.equal(examineStore(data).messages, 5);
    assert.deepEqual(readFileSync(join(previous!, 'disk.sqlite')), Buffer.alloc(8_192, 7));
  });
});
