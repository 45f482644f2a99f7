import assert from 'node:assert/strict';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Message } from '../routing/message.ts';
import type { Subscriber } from '../routing/subscription.ts';
import { type InProcess, startInProcess, waitUntil, withFolder } from './testing/in-process.ts';

const STREAM = { name: 'S', subjects: ['s.>'], allow_direct: true };

const outsider: Subscriber = { echo: true, deliver: () => true, expired() {} };

function message(subject: string, reply: string, body: string): Message {
  return Message.of(subject, reply, undefined, Buffer.from(body));
}

/** From now on the database has no room for another page. */
function fill(broker: InProcess): void {
  const { database } = broker.jetStream.files()[0]!;
  const pages = Object.values(database.prepare('PRAGMA page_count').get()!)[0];
  database.exec(`PRAGMA max_page_count = ${pages}`);
}

test('when the disk is full nothing more is acknowledged, and the owner is told once', () =>
  withFolder(async (data) => {
    const broker = startInProcess({ data });
    await broker.api('STREAM.CREATE.S', STREAM);
    await broker.publish('s.1', 'before');
    fill(broker);
    const acknowledged: string[] = [];
    broker.client.subscribe('acks', (_subject, _reply, _headers, body) => acknowledged.push(body.toString()));
    let sent = 0;
    const publisher = setInterval(() => {
      sent++;
      broker.router.publish(outsider, message(`s.${sent}`, 'acks', 'x'.repeat(200)));
    }, 1);
    try {
      await waitUntil(() => broker.fatal.length > 0);
    } finally {
      clearInterval(publisher);
    }
    const known = acknowledged.length;
    broker.router.publish(outsider, message('s.last', 'acks', 'late'));
    await delay(20);
    assert.equal(acknowledged.length, known);
    assert.equal(broker.fatal.length, 1);
    assert.equal(broker.fatal[0]!.code, 'store_failed');
    assert.match(broker.problems.join(), /could not write/);
    broker.close();

    const again = startInProcess({ data });
    const { messages } = await again.state('S');
    again.close();
    // Everything that was acknowledged is there, and nothing is there that was not.
    assert.equal(messages, known + 1);
  }));

test('on a disk that is nearly full new messages are refused, and what makes room still works', () =>
  withFolder(async (data) => {
    const disk = { free: 1e12, total: 1e12 };
    const broker = startInProcess({ data, diskSpace: () => disk });
    try {
      await broker.api('STREAM.CREATE.S', STREAM);
      await broker.publish('s.1', 'before');
      disk.free = 1;
      const isRefused = async (): Promise<boolean> => (await broker.publish('s.2')).error !== undefined;
      await waitUntil(isRefused);
      assert.deepEqual((await broker.publish('s.2')).error, {
        code: 500,
        err_code: 10047,
        description: 'insufficient storage resources available',
      });
      assert.ok((await broker.api('STREAM.CREATE.T', { name: 'T' })).error);
      assert.match(broker.problems.join(), /nearly full/);
      assert.deepEqual(await broker.api('STREAM.MSG.DELETE.S', { seq: 1 }), { success: true });
      disk.free = 1e12;
      await waitUntil(async () => !(await isRefused()));
      assert.deepEqual(broker.fatal, []);
    } finally {
      broker.close();
    }
  }));

describe('a damaged message', () => {
  /** A stream with three messages of which the second is not what was written. */
  async function withDamage(
    use: (broker: InProcess) => Promise<void>,
    harm = "UPDATE messages_1 SET payload = CAST('twO' AS BLOB) WHERE sequence = 2",
  ): Promise<void> {
    await withFolder(async (data) => {
      const before = startInProcess({ data });
      await before.api('STREAM.CREATE.S', STREAM);
      for (const text of ['one', 'two', 'three']) await before.publish('s.x', text);
      before.close();
      const database = new DatabaseSync(join(data, 'disk.sqlite'));
      database.exec(harm);
      database.close();
      const broker = startInProcess({ data });
      try {
        await use(broker);
      } finally {
        broker.close();
      }
    });
  }

  test('is named to whoever reads it, logged and counted', () =>
    withDamage(async (broker) => {
      const { error } = await broker.api('STREAM.MSG.GET.S', { seq: 2 });
      assert.match(JSON.stringify(error), /message 2 of stream S is damaged/);
      const direct = await broker.request('$JS.API.DIRECT.GET.S', '{"seq":2}');
      assert.match(direct.headers, /^NATS\/1.0 500 Damaged Message/);
      assert.match(broker.problems[0] ?? '', /message 2 of stream S is damaged/);
      assert.equal(broker.jetStream.status()?.damagedRecords, 2);
    }));

  test('does not harm the others, and is not skipped in silence', () =>
    withDamage(async (broker) => {
      for (const seq of [1, 3]) assert.ok((await broker.api('STREAM.MSG.GET.S', { seq })).message);
      assert.ok((await broker.api('STREAM.MSG.GET.S', { next_by_subj: 's.x', seq: 2 })).error);
    }));

  test('is out of the way when it is deleted', () =>
    withDamage(async (broker) => {
      assert.deepEqual(await broker.api('STREAM.MSG.DELETE.S', { seq: 2 }), { success: true });
      const next = await broker.api('STREAM.MSG.GET.S', { next_by_subj: 's.x', seq: 2 });
      assert.match(JSON.stringify(next.message), /"seq":3/);
      assert.equal((await broker.state('S')).messages, 2);
    }));

  test('that is gone from the disk is missed, until it is deleted', () =>
    withDamage(async (broker) => {
      for (const wanted of [{ seq: 2 }, { next_by_subj: '>', seq: 2 }]) {
        const { error } = await broker.api('STREAM.MSG.GET.S', wanted);
        assert.match(JSON.stringify(error), /message 2 of stream S is damaged/);
      }
      assert.deepEqual(await broker.api('STREAM.MSG.DELETE.S', { seq: 2 }), { success: true });
      const { messages, num_deleted: deleted } = await broker.state('S');
      assert.deepEqual([messages, deleted], [2, 1]);
      assert.ok((await broker.api('STREAM.MSG.GET.S', { next_by_subj: '>', seq: 2 })).message);
    }, 'DELETE FROM messages_1 WHERE sequence = 2'));

  test('is one whose subject is lost, too', () =>
    withDamage(async (broker) => {
      const { error } = await broker.api('STREAM.MSG.GET.S', { seq: 2 });
      assert.match(JSON.stringify(error), /damaged/);
    }, 'UPDATE messages_1 SET subject = 9 WHERE sequence = 2'));
});
