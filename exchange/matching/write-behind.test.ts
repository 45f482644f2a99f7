import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openDatabase } from 'flotilla';
import { WriteBehind } from './write-behind.ts';

const migrations = [{ id: '001-count', sql: 'CREATE TABLE count (value INTEGER NOT NULL) STRICT' }];

function counter(onFatal: (error: unknown) => void = () => {}) {
  const database = openDatabase({ path: ':memory:', migrations });
  const insert = database.prepare('INSERT INTO count VALUES (?)');
  const select = database.prepare('SELECT value FROM count ORDER BY rowid');
  const memory = { value: 0, broken: false };
  const writes = new WriteBehind({
    database,
    persist() {
      if (memory.broken) throw new RangeError('no space');
      insert.run(memory.value);
    },
    onFatal,
  });
  return { memory, writes, stored: () => select.all().map((row) => row.value) };
}

test('changes made together are written together, and each is on disk when its promise resolves', async () => {
  const { memory, writes, stored } = counter();
  const done: Promise<void>[] = [];
  for (let turn = 0; turn < 3; turn++) {
    memory.value += 1;
    done.push(writes.changed());
  }
  assert.deepEqual(stored(), []);
  await Promise.all(done);
  assert.deepEqual(stored(), [3]);
  memory.value += 1;
  await writes.changed();
  assert.deepEqual(stored(), [3, 4]);
});

test('a reader waits for the changes before it, and for nothing when there are none', async () => {
  const { memory, writes, stored } = counter();
  await writes.settled();
  memory.value = 7;
  void writes.changed();
  await writes.settled();
  assert.deepEqual(stored(), [7]);
});

test('a change made while a commit is being acknowledged gets a commit of its own', async () => {
  const { memory, writes, stored } = counter();
  memory.value = 1;
  const first = writes.changed().then(() => {
    memory.value = 2;
    return writes.changed();
  });
  await first;
  assert.deepEqual(stored(), [1, 2]);
});

test('after a failed write nothing is acknowledged any more', async () => {
  const failures: unknown[] = [];
  const { memory, writes, stored } = counter((error) => failures.push(error));
  memory.broken = true;
  const first = writes.changed();
  const second = writes.changed();
  await assert.rejects(first, { code: 'unavailable' });
  await assert.rejects(second, { code: 'unavailable' });
  memory.broken = false;
  assert.throws(() => writes.assertWorking(), { code: 'unavailable' });
  await assert.rejects(writes.changed(), { code: 'unavailable' });
  await assert.rejects(writes.settled(), { code: 'unavailable' });
  assert.equal(failures.length, 1);
  assert.deepEqual(stored(), []);
});

test('what memory holds after a fault in it is never written', async () => {
  const failures: unknown[] = [];
  const { memory, writes, stored } = counter((error) => failures.push(error));
  memory.value = 1;
  const pending = writes.changed();
  writes.fail(new RangeError('half a change'));
  await assert.rejects(pending, { code: 'unavailable' });
  assert.equal(failures.length, 1);
  assert.deepEqual(stored(), []);
});
