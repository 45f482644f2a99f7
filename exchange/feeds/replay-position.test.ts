import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ReplayPosition } from './replay-position.ts';
import { feedsDatabase } from './testing/feeds-database.ts';

const folder = mkdtempSync(join(tmpdir(), 'replay-position-'));
after(() => rmSync(folder, { recursive: true }));

let files = 0;
function recording(text = 'x'): string {
  const file = join(folder, `${files++}.txt`);
  writeFileSync(file, text);
  return file;
}

test('a restart goes on in the same run, where the last one saved', async () => {
  const database = feedsDatabase();
  const file = recording();
  const first = await ReplayPosition.open(database, file);
  assert.deepEqual(first.start, { sequence: 0, gaps: 0 });
  await database.write(() => first.write({ sequence: 41, gaps: 1 }, false));
  await database.write(() => first.write({ sequence: 57, gaps: 2 }, false));
  const second = await ReplayPosition.open(database, file);
  assert.equal(second.run, first.run);
  assert.deepEqual(second.start, { sequence: 57, gaps: 2 });
});

test('a run that came to its end, another file and a changed one begin a new run', async () => {
  const database = feedsDatabase();
  const file = recording();
  const runs: number[] = [];
  const open = async (of: string) => {
    const position = await ReplayPosition.open(database, of, 1_000);
    assert.deepEqual(position.start, { sequence: 0, gaps: 0 });
    runs.push(position.run);
    return position;
  };
  await (await open(file)).end({ sequence: 9, gaps: 1 });
  const unfinished = await open(file);
  await database.write(() => unfinished.write({ sequence: 5, gaps: 0 }, false));
  const other = recording();
  await open(other);
  writeFileSync(other, 'longer');
  await open(other);
  utimesSync(other, 1, 1);
  await open(other);
  assert.deepEqual(runs, [1_000, 1_001, 1_002, 1_003, 1_004]);
});

test('a run is not taken for one from before the database was lost', async () => {
  const file = recording();
  const before = await ReplayPosition.open(feedsDatabase(), file, 5_000);
  const after = await ReplayPosition.open(feedsDatabase(), file, 5_001);
  assert.notEqual(before.run, after.run);
});

test('what cannot be read is an error that names the file, EXCHANGE_FEED and the way out', async () => {
  for (const file of [join(folder, 'missing.gz'), folder]) {
    await assert.rejects(ReplayPosition.open(feedsDatabase(), file), (error: Error & { code?: string }) => {
      assert.equal(error.code, 'invalid_argument');
      assert.ok(
        error.message.startsWith(`EXCHANGE_FEED names the recording ${file}, which cannot be read: `),
      );
      assert.match(error.message, /Correct the path, or leave EXCHANGE_FEED unset/);
      return true;
    });
  }
});
