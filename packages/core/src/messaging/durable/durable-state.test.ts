import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { type Database, openDatabase } from '../../store/database.ts';
import { silentLogger } from '../../telemetry/log.ts';
import { Checkpoints } from './checkpoints.ts';
import { Inbox } from './inbox.ts';
import { createTables } from './tables.ts';

const key = { group: 'orders', service: 'ledger', partition: 3 };

let database: Database;

beforeEach(async () => {
  database = openDatabase({ path: ':memory:' });
  await createTables(database);
});
afterEach(() => database.close());

describe('a checkpoint in the database', () => {
  it('is written under the epoch that claimed it last, and refused to those before', async () => {
    const checkpoints = new Checkpoints(database);
    assert.equal((await checkpoints.claim(key, 1)).sequence, -1);
    await database.write(() => checkpoints.save(key, 1, 10, 10));
    assert.deepEqual(
      { ...(await checkpoints.claim(key, 2)) },
      { stream: '', epoch: 2, sequence: 10, position: 10 },
    );
    const late = database.write(() => checkpoints.save(key, 1, 11, 11));
    await assert.rejects(late, { code: 'conflict', message: /was taken over/ });
    await assert.rejects(
      database.write(() => checkpoints.requireEpoch(key, 1)),
      { code: 'conflict' },
    );
    assert.equal(checkpoints.read(key)?.sequence, 10);
  });

  it('cannot be claimed under an epoch before the last one', async () => {
    const checkpoints = new Checkpoints(database);
    await checkpoints.claim(key, 5);
    await assert.rejects(checkpoints.claim(key, 4), { code: 'conflict' });
    await checkpoints.claim(key, 5);
  });
});

describe('an inbox', () => {
  it('knows what was marked, for each group by itself', async () => {
    const inbox = new Inbox(database, silentLogger);
    const marks = await database.write(() => [
      inbox.mark('orders', 'a'),
      inbox.mark('orders', 'a'),
      inbox.mark('mail', 'a'),
    ]);
    assert.deepEqual(marks, [true, false, true]);
    assert.deepEqual([inbox.has('orders', 'a'), inbox.has('orders', 'b')], [true, false]);
    inbox.close();
  });

  it('forgets with the transaction that is undone', async () => {
    const inbox = new Inbox(database, silentLogger);
    const undone = database.write(() => {
      inbox.mark('orders', 'a');
      throw new Error('undone');
    });
    await assert.rejects(undone);
    assert.equal(inbox.has('orders', 'a'), false);
    inbox.close();
  });

  it('forgets what is older than a group wants, however much that is', async () => {
    const inbox = new Inbox(database, silentLogger);
    inbox.keep('orders', 60_000);
    inbox.keep('mail', 600_000);
    await database.write(() => {
      for (let n = 0; n < 2_500; n++) inbox.mark('orders', `id-${n}`);
      inbox.mark('mail', 'id');
    });
    await inbox.prune(Date.now() + 61_000);
    assert.equal(inbox.has('orders', 'id-0') || inbox.has('orders', 'id-2499'), false);
    assert.equal(inbox.has('mail', 'id'), true);
    inbox.close();
  });
});
