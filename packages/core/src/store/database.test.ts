import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { platformError } from '../errors/flotilla-error.ts';
import { openDatabase } from './database.ts';
import { GroupCommit } from './group-commit.ts';
import { migrate, readMigrations } from './migrations.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'flotilla-store-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

const accounts = {
  id: '001-accounts',
  sql: 'CREATE TABLE accounts (id TEXT PRIMARY KEY, cents INTEGER) STRICT',
};

function open(path = join(folder, 'own', 'test.sqlite')) {
  return openDatabase({ path, migrations: [accounts] });
}

test('writes that arrive together are committed together and survive', async () => {
  const database = open();
  const insert = database.prepare('INSERT INTO accounts VALUES (?, ?)');
  await Promise.all(Array.from({ length: 100 }, (_, n) => database.write(() => insert.run(`a${n}`, n))));
  database.close();
  const again = open();
  assert.equal(again.prepare('SELECT count(*) AS n FROM accounts').get()?.n, 100);
  again.close();
});

test('what throws undoes its own changes and nobody else’s', async () => {
  const database = open();
  const insert = database.prepare('INSERT INTO accounts VALUES (?, ?)');
  const outcomes = await Promise.allSettled([
    database.write(() => insert.run('one', 1)),
    database.write(() => {
      insert.run('two', 2);
      throw new RangeError('not enough');
    }),
    database.write(() => insert.run('one', 3)),
    database.write(() => insert.run('three', 3)),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'rejected', 'fulfilled'],
  );
  const ids = database.prepare('SELECT id FROM accounts ORDER BY id').all();
  assert.deepEqual(
    ids.map(({ id }) => id),
    ['one', 'three'],
  );
  database.close();
});

test('work whose caller has gone before it began is not run; what has begun is committed', async () => {
  const database = open();
  const insert = database.prepare('INSERT INTO accounts VALUES (?, ?)');
  const gone = new AbortController();
  const stays = new AbortController();
  const write = (id: string, signal?: AbortSignal) => database.write(() => insert.run(id, 1), { signal });
  const outcomes = Promise.allSettled([
    write('first', stays.signal),
    write('given-up', gone.signal),
    database.write(() => {
      insert.run('under-way', 1);
      stays.abort();
    }),
    write('second', stays.signal),
    write('last'),
  ]);
  gone.abort(platformError('cancelled', 'the caller has gone'));
  const [first, givenUp, ...others] = await outcomes;
  assert.equal(first.status, 'fulfilled');
  assert.ok(givenUp.status === 'rejected' && givenUp.reason.code === 'cancelled');
  assert.deepEqual(
    others.map(({ status }) => status),
    ['fulfilled', 'fulfilled', 'fulfilled'],
  );
  await assert.rejects(write('too-late', gone.signal), { code: 'cancelled' });
  const ids = database.prepare('SELECT id FROM accounts ORDER BY rowid').all();
  assert.deepEqual(
    ids.map(({ id }) => id),
    ['first', 'under-way', 'second', 'last'],
  );
  database.close();
});

test('a group that nobody wants any more costs no transaction', async () => {
  const sqlite = new DatabaseSync(':memory:');
  const commits = new GroupCommit(sqlite, () => assert.fail('there was nothing to commit'));
  // With a transaction open, any other would fail.
  sqlite.exec('BEGIN');
  const gone = new AbortController();
  const write = commits.write(() => assert.fail('it must not run'), { signal: gone.signal });
  gone.abort(platformError('deadline_exceeded', 'too late'));
  await assert.rejects(write, { code: 'deadline_exceeded' });
  sqlite.close();
});

test('nobody sees a change before it is committed', async () => {
  const database = open();
  const writing = database.write(() => database.prepare("INSERT INTO accounts VALUES ('x', 1)").run());
  assert.equal(database.prepare('SELECT count(*) AS n FROM accounts').get()?.n, 0);
  await writing;
  assert.equal(database.prepare('SELECT count(*) AS n FROM accounts').get()?.n, 1);
  database.close();
});

test('what is asked for before the commit is written with it, once for all work', async () => {
  const database = open();
  const insert = database.prepare('INSERT INTO accounts VALUES (?, ?)');
  let total = 0;
  const writeTotal = () => {
    insert.run('total', total);
  };
  const add = (cents: number) =>
    database.write(() => {
      total += cents;
      database.beforeCommit(writeTotal);
    });
  await Promise.all([add(1), add(2), add(3)]);
  assert.deepEqual(
    database
      .prepare('SELECT id, cents FROM accounts')
      .all()
      .map(({ id, cents }) => [id, cents]),
    [['total', 6]],
  );
  database.close();
});

test('what is asked for after the commit comes in order, when it is on disk and before anybody goes on', async () => {
  const database = open();
  const path = join(folder, 'own', 'test.sqlite');
  const reader = new DatabaseSync(path, { readOnly: true });
  const seen: unknown[] = [];
  const note = (id: string) => () => {
    seen.push([id, reader.prepare('SELECT count(*) AS n FROM accounts').get()?.n]);
  };
  const add = (id: string) =>
    database.write(() => {
      database.afterCommit(note(id));
      database.prepare('INSERT INTO accounts VALUES (?, 1)').run(id);
    });
  await Promise.all([add('a').then(() => seen.push('a goes on')), add('b')]);
  assert.deepEqual(seen, [['a', 2], ['b', 2], 'a goes on']);
  reader.close();
  database.close();
});

test('work that throws takes back what it asked for, and outside of a transaction nothing can be asked for', async () => {
  const database = open();
  const seen: string[] = [];
  const ask = (id: string) => {
    database.beforeCommit(() => seen.push(`before ${id}`));
    database.afterCommit(() => seen.push(`after ${id}`));
  };
  const outcomes = await Promise.allSettled([
    database.write(() => ask('kept')),
    database.write(() => {
      ask('undone');
      throw new RangeError('not enough');
    }),
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
  assert.deepEqual(seen, ['before kept', 'after kept']);
  assert.throws(() => ask('nobody'), { code: 'internal', message: /inside the work of a write/ });
  database.close();
});

test('a hook that throws before the commit undoes it, and one after it ends the acknowledging', async () => {
  const sqlite = new DatabaseSync(':memory:');
  sqlite.exec('CREATE TABLE rows (id TEXT)');
  const failures: unknown[] = [];
  const before = new GroupCommit(sqlite, (error) => failures.push(error));
  const fail = () => {
    throw new RangeError('memory is wrong');
  };
  const insert = () => sqlite.prepare("INSERT INTO rows VALUES ('x')").run();
  const undone = before.write(() => {
    insert();
    before.beforeCommit(fail);
  });
  await assert.rejects(undone, { code: 'unavailable' });
  assert.equal(sqlite.prepare('SELECT count(*) AS n FROM rows').get()?.n, 0);

  const after = new GroupCommit(sqlite, (error) => failures.push(error));
  await after.write(() => {
    insert();
    after.afterCommit(fail);
  });
  assert.equal(sqlite.prepare('SELECT count(*) AS n FROM rows').get()?.n, 1);
  await assert.rejects(after.write(insert), { code: 'unavailable' });
  assert.equal(failures.length, 2);
  sqlite.close();
});

test('the work of a transaction must be synchronous', async () => {
  const database = open();
  await assert.rejects(
    database.write(async () => 1),
    { code: 'internal', message: /must be synchronous/ },
  );
  database.close();
});

test('after a failed commit nothing is acknowledged any more, and the failure is told once', async () => {
  const sqlite = new DatabaseSync(':memory:');
  const failures: unknown[] = [];
  const commits = new GroupCommit(sqlite, (error) => failures.push(error));
  // A transaction that is already open makes BEGIN fail, as a full disk makes COMMIT fail.
  sqlite.exec('BEGIN');
  await assert.rejects(
    commits.write(() => 1),
    { code: 'unavailable' },
  );
  await assert.rejects(
    commits.write(() => 2),
    { code: 'unavailable' },
  );
  assert.equal(failures.length, 1);
  sqlite.close();
});

test('every commit is synced, and the file is for its owner only', () => {
  const path = join(folder, 'own', 'test.sqlite');
  const database = open(path);
  assert.equal(database.prepare('PRAGMA journal_mode').get()?.journal_mode, 'wal');
  assert.equal(database.prepare('PRAGMA synchronous').get()?.synchronous, 2);
  assert.equal(statSync(path).mode & 0o077, 0);
  database.close();
});

test('a file that is no database is named, with the way out', () => {
  const path = join(folder, 'broken.sqlite');
  writeFileSync(path, 'this is not a database, but long enough to be taken for one'.repeat(100));
  assert.throws(() => open(path), {
    code: 'unavailable',
    message: /broken\.sqlite.*restore it from a backup/s,
  });
});

test('a migration is applied once; an edited or unknown one is refused', () => {
  const path = join(folder, 'own', 'test.sqlite');
  open(path).close();
  open(path).close();
  const edited = { ...accounts, sql: `${accounts.sql};` };
  assert.throws(() => openDatabase({ path, migrations: [edited] }), { code: 'conflict', message: /edited/ });
  assert.throws(() => openDatabase({ path, migrations: [] }), { code: 'conflict', message: /newer version/ });
});

test('of two processes that begin together one applies a migration, and the other finds it applied', () => {
  const path = join(folder, 'together.sqlite');
  const quicker = new DatabaseSync(path);
  class Slower extends DatabaseSync {
    override exec(sql: string): void {
      if (sql === 'BEGIN IMMEDIATE') migrate(quicker, [accounts]);
      super.exec(sql);
    }
  }
  const slower = new Slower(path);
  migrate(slower, [accounts]);
  assert.equal(slower.prepare('SELECT count(*) AS n FROM flotilla_migrations').get()?.n, 1);
  assert.equal(slower.isTransaction, false);
  for (const database of [slower, quicker]) database.close();
});

test('a failing migration leaves nothing behind', () => {
  const path = join(folder, 'own', 'test.sqlite');
  const broken = { id: '002-broken', sql: 'CREATE TABLE half (id TEXT); CREATE TABLE half (id TEXT)' };
  assert.throws(() => openDatabase({ path, migrations: [accounts, broken] }), { message: /002-broken/ });
  const database = open(path);
  assert.equal(database.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'half'").get()?.n, 0);
  database.close();
});

test('migrations are read in order, and a file that is none is refused', () => {
  const directory = join(folder, 'migrations');
  mkdirSync(directory);
  writeFileSync(join(directory, '002-second.sql'), 'SELECT 2');
  writeFileSync(join(directory, '001-first.sql'), 'SELECT 1');
  const url = pathToFileURL(`${directory}/`);
  assert.deepEqual(
    readMigrations(url).map(({ id }) => id),
    ['001-first', '002-second'],
  );
  writeFileSync(join(directory, 'notes.txt'), '');
  assert.throws(() => readMigrations(url), { message: /notes\.txt/ });
});
