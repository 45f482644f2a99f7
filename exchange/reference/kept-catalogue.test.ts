import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Database, openDatabase, platformError, silentLogger } from 'flotilla';
import type { Catalogue } from './contract.ts';
import { firstCatalogue } from './first-catalogue.ts';
import { KeptCatalogue, type KeptCatalogueOptions } from './kept-catalogue.ts';

const migrations = [
  {
    id: '001-kept',
    sql: 'CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT',
  },
];

/** Reference, that is away for a number of questions and then answers. */
function reference(failures: number, catalogue: Catalogue = firstCatalogue) {
  let left = failures;
  return {
    async catalogue() {
      if (left-- > 0) throw platformError('unavailable', 'reference is unavailable');
      return catalogue;
    },
  };
}

const version = (number: number): Catalogue => ({ ...firstCatalogue, version: number });
const never = Number.POSITIVE_INFINITY;

/** A kept catalogue, whose asking ends with the test. */
function keep(t: TestContext, database: Database, options: Partial<KeptCatalogueOptions>): KeptCatalogue {
  const stop = new AbortController();
  t.after(() => stop.abort());
  return new KeptCatalogue({
    client: reference(never),
    database,
    log: silentLogger,
    signal: stop.signal,
    ...options,
  });
}

function open(t: TestContext): Database {
  const database = openDatabase({ path: ':memory:', migrations });
  t.after(() => database.close());
  return database;
}

test('it is asked for at the start, until reference answers', async (t) => {
  const database = open(t);
  const taken: number[] = [];
  const kept = keep(t, database, {
    client: reference(2),
    onChange: (catalogue) => taken.push(catalogue.version),
  });
  await kept.closed;
  assert.deepEqual([kept.version, taken], [1, [1]]);
});

test('what has changed is in force when it is on disk, and after a restart without reference', async (t) => {
  const database = open(t);
  const kept = keep(t, database, {});
  const taken: number[] = [];
  const change = database.write(() => {
    kept.follow(version(2));
    taken.push(kept.version);
  });
  await change;
  assert.deepEqual([taken, kept.version], [[0], 2]);
  assert.equal(keep(t, database, {}).version, 2);
});

test('what comes late or is undone changes nothing', async (t) => {
  const database = open(t);
  const complaints: string[] = [];
  const log = { ...silentLogger, error: (message: string) => complaints.push(message) };
  const kept = keep(t, database, { log, client: reference(0, version(5)) });
  await kept.closed;
  await database.write(() => {
    kept.follow(version(7));
    kept.follow(version(6));
  });
  const undone = database.write(() => {
    kept.follow(version(8));
    throw new RangeError('not this one');
  });
  await assert.rejects(undone, RangeError);
  assert.equal(kept.version, 7);
  const restarted = keep(t, database, { log, client: reference(0, version(6)) });
  await restarted.closed;
  assert.equal(restarted.version, 7);
  assert.deepEqual(complaints, ['reference went back to an older catalogue, which is ignored']);
});

test('a copy that cannot be read is replaced by what reference says', async (t) => {
  const database = open(t);
  await database.write(() => database.prepare("INSERT INTO kept_catalogue VALUES (1, '{')").run());
  const kept = keep(t, database, { client: reference(0) });
  await kept.ready;
  assert.equal(kept.version, firstCatalogue.version);
  const copy = database.prepare('SELECT document FROM kept_catalogue').get()?.document;
  assert.equal(copy, JSON.stringify(firstCatalogue));
});
