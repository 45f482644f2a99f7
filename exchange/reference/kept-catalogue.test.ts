import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Database, openDatabase, platformError, silentLogger } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import type { Catalogue } from './contract.ts';
import { firstCatalogue } from './first-catalogue.ts';
import { keepCatalogue } from './kept-catalogue.ts';

const migrations = [
  {
    id: '001-kept',
    sql: 'CREATE TABLE kept_catalogue (one INTEGER PRIMARY KEY CHECK (one = 1), document TEXT NOT NULL) STRICT',
  },
];

function reference(...catalogues: Catalogue[]) {
  return {
    async *watch() {
      yield* catalogues.splice(0);
      throw platformError('unavailable', 'reference is unavailable');
    },
  };
}

function copiedVersion(database: Database): number | undefined {
  const row = database.prepare('SELECT document FROM kept_catalogue').get();
  return row && (JSON.parse(String(row.document)) as Catalogue).version;
}

test('the last catalogue is in force after a restart without reference', async () => {
  const database = openDatabase({ path: ':memory:', migrations });
  for (const [given, expected] of [
    [[firstCatalogue, { ...firstCatalogue, version: 2 }], 2],
    [[], 2],
  ] as const) {
    const stop = new AbortController();
    const client = reference(...given);
    const follower = keepCatalogue({ client, database, log: silentLogger, signal: stop.signal });
    try {
      await waitFor(() => follower.version === expected, { what: `version ${expected}` });
      // A restart finds what was on disk, which is a moment later.
      await waitFor(() => copiedVersion(database) === expected, { what: `a copy of version ${expected}` });
    } finally {
      stop.abort();
      await follower.closed;
    }
  }
  database.close();
});

test('a copy that cannot be read is replaced by what reference says', async () => {
  const database = openDatabase({ path: ':memory:', migrations });
  await database.write(() => database.prepare("INSERT INTO kept_catalogue VALUES (1, '{')").run());
  const stop = new AbortController();
  const options = { database, log: silentLogger, signal: stop.signal };
  const follower = keepCatalogue({ client: reference(firstCatalogue), ...options });
  await follower.ready;
  assert.equal(follower.version, firstCatalogue.version);
  const copy = () => String(database.prepare('SELECT document FROM kept_catalogue').get()?.document);
  await waitFor(() => copy() === JSON.stringify(firstCatalogue));
  stop.abort();
  await follower.closed;
  database.close();
});
