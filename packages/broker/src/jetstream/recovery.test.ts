import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { type InProcess, startInProcess, waitUntil, withFolder } from './testing/in-process.ts';

const ORDERS = { name: 'ORDERS', subjects: ['orders.>'] };

/** What is on disk at this moment, as a crash of the process would leave it. */
function crashed(folder: string): string {
  const copy = `${folder}-crashed`;
  cpSync(folder, copy, { recursive: true });
  return copy;
}

async function within(data: string, use: (broker: InProcess) => Promise<void>): Promise<void> {
  const broker = startInProcess({ data });
  try {
    await use(broker);
  } finally {
    broker.close();
  }
}

describe('after a restart', () => {
  test('streams, messages, counters and message ids are what they were, also after a crash', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      let expected: unknown;
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.ORDERS', ORDERS);
        await broker.api('STREAM.CREATE.OTHER', { name: 'OTHER', subjects: ['o'], max_msgs_per_subject: 1 });
        for (let i = 1; i <= 20; i++) {
          await broker.publish(`orders.${i % 3}`, `body ${i}`, { 'Nats-Msg-Id': `id-${i}` });
        }
        await broker.api('STREAM.MSG.DELETE.ORDERS', { seq: 7 });
        await broker.api('STREAM.PURGE.ORDERS', { filter: 'orders.1', keep: 2 });
        await broker.api('STREAM.UPDATE.ORDERS', { ...ORDERS, description: 'changed' });
        expected = await broker.api('STREAM.INFO.ORDERS', { subjects_filter: '>', deleted_details: true });
        const copy = crashed(data);
        await within(copy, async (again) => {
          assert.deepEqual(
            await again.api('STREAM.INFO.ORDERS', { subjects_filter: '>', deleted_details: true }),
            expected,
          );
        });
      });
      await within(data, async (broker) => {
        assert.deepEqual(
          await broker.api('STREAM.INFO.ORDERS', { subjects_filter: '>', deleted_details: true }),
          expected,
        );
        assert.deepEqual(await broker.publish('orders.9', 'again', { 'Nats-Msg-Id': 'id-20' }), {
          stream: 'ORDERS',
          seq: 20,
          duplicate: true,
        });
        const last = { 'Nats-Expected-Last-Msg-Id': 'id-20' };
        assert.deepEqual(await broker.publish('orders.9', 'next', last), { stream: 'ORDERS', seq: 21 });
      });
    }));

  test('the ids of a purged stream are still known', () =>
    withFolder(async (data) => {
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.ORDERS', ORDERS);
        await broker.publish('orders.1', '', { 'Nats-Msg-Id': 'one' });
        await broker.api('STREAM.PURGE.ORDERS');
        await broker.publish('orders.1', '', { 'Nats-Msg-Id': 'two' });
      });
      await within(data, async (broker) => {
        assert.equal((await broker.publish('orders.1', '', { 'Nats-Msg-Id': 'one' })).duplicate, true);
        assert.equal((await broker.publish('orders.1', '', { 'Nats-Msg-Id': 'two' })).duplicate, true);
        assert.equal((await broker.state('ORDERS')).first_seq, 2);
      });
    }));

  test('what was being cleared away when the process ended is cleared away', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'data');
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.ORDERS', ORDERS);
        for (let i = 0; i < 50; i++) await broker.publish('orders.1', 'x'.repeat(1_000));
        await broker.api('STREAM.DELETE.ORDERS');
        const copy = crashed(data);
        await within(copy, async (again) => {
          assert.deepEqual((await again.api('STREAM.NAMES')).streams, null);
          const { database } = again.jetStream.files()[0]!;
          const tables = (): number =>
            database.prepare("SELECT 1 FROM sqlite_schema WHERE name LIKE 'messages%'").all().length;
          await waitUntil(() => tables() === 0);
        });
      });
    }));

  test('streams that only the process had to outlive are in a file of their own', () =>
    withFolder(async (data) => {
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.FAST', {
          name: 'FAST',
          subjects: ['fast'],
          metadata: { 'flotilla.durability': 'process' },
        });
        await broker.api('STREAM.CREATE.LOST', { name: 'LOST', subjects: ['lost'], storage: 'memory' });
        await broker.publish('fast', 'x');
        await broker.publish('lost', 'x');
      });
      assert.ok(existsSync(join(data, 'process.sqlite')));
      await within(data, async (broker) => {
        assert.deepEqual((await broker.api('STREAM.NAMES')).streams, ['FAST']);
        assert.equal((await broker.state('FAST')).messages, 1);
      });
    }));
});

describe('commits that were acknowledged and are not there any more', () => {
  /** A copy of a store as a crash leaves it, with 40 messages in its log; `harm` gets the path of the log. */
  async function harmed(harm: (log: string) => void, use: (data: string) => Promise<void>): Promise<void> {
    await withFolder(async (folder) => {
      const data = join(folder, 'data');
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.ORDERS', ORDERS);
        for (let i = 0; i < 40; i++) await broker.publish('orders.1', 'x'.repeat(500));
        const copy = crashed(data);
        harm(join(copy, 'disk.sqlite-wal'));
        await use(copy);
      });
    });
  }

  function refused(data: string): void {
    assert.throws(() => startInProcess({ data }), {
      code: 'data_damaged',
      message: /last \d+ commits are missing/,
    });
  }

  test('are missed when the log was cut short', () =>
    harmed(
      (log) => truncateSync(log, Math.floor(statSync(log).size / 2)),
      async (data) => refused(data),
    ));

  test('are missed when the log was damaged in the middle, and can be given up', () =>
    harmed(
      (log) => {
        const bytes = readFileSync(log);
        const at = bytes.length >> 1;
        bytes[at] = bytes[at]! ^ 0x10;
        writeFileSync(log, bytes);
      },
      async (data) => {
        refused(data);
        rmSync(join(data, 'disk.sqlite-mark'));
        await within(data, async (broker) => {
          const { messages } = await broker.state('ORDERS');
          assert.ok(Number(messages) > 0 && Number(messages) < 40, String(messages));
        });
      },
    ));

  test('are missed when the file itself is gone', () =>
    harmed(
      (log) => {
        rmSync(log);
        rmSync(log.replace('-wal', ''));
      },
      async (data) => refused(data),
    ));

  test('are none when the log ends in the middle of a commit', () =>
    harmed(
      (log) => appendFileSync(log, Buffer.alloc(2_000, 7)),
      (data) =>
        within(data, async (broker) => {
          assert.equal((await broker.state('ORDERS')).messages, 40);
        }),
    ));

  test('are none when the mark is older, or was cut off', () =>
    harmed(
      (log) => truncateSync(log.replace('-wal', '-mark'), 5),
      (data) =>
        within(data, async (broker) => {
          assert.equal((await broker.state('ORDERS')).messages, 40);
        }),
    ));
});

describe('the data directory', () => {
  test('and what is in it are for the user of the broker alone', () =>
    withFolder(async (folder) => {
      const data = join(folder, 'deep', 'data');
      await within(data, async (broker) => {
        await broker.api('STREAM.CREATE.ORDERS', ORDERS);
        assert.equal(statSync(data).mode & 0o777, 0o700);
        for (const name of ['disk.sqlite', 'disk.sqlite-wal', 'disk.sqlite-mark']) {
          assert.equal(statSync(join(data, name)).mode & 0o777, 0o600, name);
        }
      });
    }));

  test('is refused to a second process, and free when the first has been killed', () =>
    withFolder(async (data) => {
      const program = `
        import { startInProcess } from ${JSON.stringify(new URL('testing/in-process.ts', import.meta.url).href)};
        startInProcess({ data: ${JSON.stringify(data)} });
        process.stdout.write('open');
        setInterval(() => {}, 1000);
      `;
      const arguments_ = ['--input-type=module-typescript', '--no-warnings', '--eval', program];
      const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await once(child.stdout, 'data');
        assert.throws(() => startInProcess({ data }), { code: 'data_locked' });
      } finally {
        child.kill('SIGKILL');
      }
      await once(child, 'exit');
      await within(data, async (broker) => {
        assert.deepEqual(await broker.api('STREAM.NAMES'), {
          total: 0,
          offset: 0,
          limit: 1024,
          streams: null,
        });
      });
    }));

  test('that cannot be made is named', () =>
    withFolder(async (folder) => {
      const file = join(folder, 'file');
      writeFileSync(file, '');
      assert.throws(() => startInProcess({ data: join(file, 'data') }), { code: 'data_not_permitted' });
    }));

  test('with a directory in the place of the file is named', () =>
    withFolder(async (data) => {
      mkdirSync(join(data, 'disk.sqlite'));
      assert.throws(() => startInProcess({ data }), { code: 'data_not_permitted' });
    }));

  test('with something else in the place of the file is left alone', () =>
    withFolder(async (data) => {
      const path = join(data, 'disk.sqlite');
      writeFileSync(path, 'no database, '.repeat(1_000));
      assert.throws(() => startInProcess({ data }), { code: 'data_not_ours' });
      assert.equal(statSync(path).size, 13_000);
    }));

  test('with a database of somebody else is left alone', () =>
    withFolder(async (data) => {
      const path = join(data, 'disk.sqlite');
      const other = new DatabaseSync(path);
      other.exec('CREATE TABLE streams(theirs)');
      other.close();
      assert.throws(() => startInProcess({ data }), { code: 'data_not_ours' });
    }));

  test('with streams that cannot be read is refused, and let go again', () =>
    withFolder(async (data) => {
      await within(data, async (broker) => void (await broker.api('STREAM.CREATE.ORDERS', ORDERS)));
      const path = join(data, 'disk.sqlite');
      const change = (sql: string): void => {
        const database = new DatabaseSync(path);
        database.exec(sql);
        database.close();
      };
      change("UPDATE streams SET config = '{'");
      assert.throws(() => startInProcess({ data }), { code: 'data_damaged' });
      change('DELETE FROM streams');
      await within(data, async () => {});
    }));

  test('of a newer version is left alone', () =>
    withFolder(async (data) => {
      await within(data, async () => {});
      const database = new DatabaseSync(join(data, 'disk.sqlite'));
      database.exec('PRAGMA user_version = 99');
      database.close();
      assert.throws(() => startInProcess({ data }), { code: 'data_too_new', message: /format 99/ });
    }));
});

test('without a data directory a stream can only live in memory', async () => {
  const broker = startInProcess();
  try {
    const refused = {
      error: { code: 500, err_code: 10047, description: 'insufficient storage resources available' },
    };
    assert.deepEqual(await broker.api('STREAM.CREATE.ORDERS', ORDERS), refused);
    await broker.api('STREAM.CREATE.ORDERS', { ...ORDERS, storage: 'memory' });
    assert.deepEqual(await broker.publish('orders.1'), { stream: 'ORDERS', seq: 1 });
    assert.equal(broker.jetStream.status(), undefined);
  } finally {
    broker.close();
  }
});
