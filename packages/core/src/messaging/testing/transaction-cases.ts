/** What is done and published in a transaction of the service, with its inbox and its outbox. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { platformError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { JetStreamApi, nanosecondsPerMs } from '../jetstream/api.ts';
import { Jobs, Ledger, Log, upTo } from './mailbox.ts';
import { type Member, subscribe, work } from './message-scene.ts';
import { type MessageStage, rows, rowsOf } from './message-stage.ts';

export function transactionCases(stage: MessageStage): void {
  it('what is published again later is known by the inbox, in a group with order and in work', async () => {
    const { messages } = await stage.scene.join('jobs-1');
    await messages.publish(Jobs.render, { n: 0 });
    const api = new JetStreamApi(await stage.scene.connect());
    const { config } = await api.streamInfo(`${stage.scene.fleet}_jobs`);
    await api.updateStream({ ...config, duplicate_window: 100 * nanosecondsPerMs });
    const insert = (
      { n }: { n: number },
      scope: { transaction(work: () => void): Promise<void> },
      member: Member,
    ) => scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n));
    const ordered: Member = await stage.scene.join('ordered-1', {
      schema: rows,
      subscriptions: [
        subscribe(Jobs.render, { group: 'ordered' }, (job, scope) => insert(job, scope, ordered)),
      ],
    });
    const worker: Member = await stage.scene.join('worker-1', {
      schema: rows,
      subscriptions: [work(Jobs.render, { group: 'worker' }, (job, scope) => insert(job, scope, worker))],
    });
    const inTransaction: Member = await stage.scene.join('projection-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Jobs.render,
          { group: 'projection', transaction: true, inbox: { keep: '1h' } },
          ({ n }) => void inTransaction.database.prepare('INSERT INTO rows VALUES (?)').run(n),
        ),
      ],
    });
    const first = await messages.publish(Jobs.render, { n: 1 }, { id: 'once' });
    // As often as the window needs to pass: then it is another message to the stream.
    const again = await waitFor(async () => {
      const published = await messages.publish(Jobs.render, { n: 1 }, { id: 'once' });
      return published.duplicate ? undefined : published;
    });
    assert.notEqual(again.sequence, first.sequence);
    await messages.publish(Jobs.render, { n: 2 });
    for (const member of [ordered, worker, inTransaction]) {
      await waitFor(() => rowsOf(member).includes(2));
      assert.deepEqual(rowsOf(member).toSorted(), [0, 1, 2], member.instance);
    }
  });

  it('a transaction that has committed is the end of its message, whatever the handler does then', async () => {
    let attempts = 0;
    const member: Member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, async ({ n }, scope) => {
          attempts += 1;
          await scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n));
          throw new Error('after the commit');
        }),
      ],
    });
    const { messages } = await stage.scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(() => rowsOf(member).length === 1);
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => rowsOf(member).length === 2);
    assert.equal(attempts, 2);
    assert.deepEqual(await stage.deadLetters(), []);
  });

  it('a log is applied in order and once, in the transaction of its checkpoint, across crashes', async () => {
    const follower = async (): Promise<Member> => {
      const member: Member = await stage.scene.join('orders-1', {
        schema: rows,
        subscriptions: [
          subscribe(Log.entry, { group: 'orders', transaction: true, position: ({ n }) => n }, ({ n }) => {
            member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
          }),
        ],
      });
      return member;
    };
    const log = await stage.scene.join('log-1');
    const publishing = Promise.all(upTo(2_000).map((n) => log.messages.publish(Log.entry, { n })));
    let member = await follower();
    for (const seen of [100, 700, 1_300]) {
      await waitFor(() => rowsOf(member).length >= seen);
      await member.kill();
      member = await follower();
    }
    await publishing;
    const progress = member.messages.progress('orders', 'log');
    await progress.waitFor(2_000);
    assert.equal(progress.applied(), 2_000);
    assert.deepEqual(rowsOf(member), upTo(2_000));
    await member.kill();
    member = await follower();
    assert.equal(member.messages.progress('orders', 'log').applied(), 2_000, 'known before anything is read');
  });

  it('a handler in a transaction that fails undoes its own message only, and what is behind it waits', async () => {
    const attempts: number[] = [];
    const member: Member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Log.entry,
          {
            group: 'orders',
            transaction: true,
            retry: { unexpected: { attempts: 3, firstMs: 5, mostMs: 5 } },
          },
          ({ n }, { message }) => {
            member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
            attempts.push(n);
            if (n === 5 && message.attempt < 3) throw new Error('half done');
            if (n === 7) throw platformError('not_found', 'never');
          },
        ),
      ],
    });
    const { messages } = await stage.scene.join('log-1');
    await Promise.all(upTo(10).map((n) => messages.publish(Log.entry, { n })));
    await waitFor(() => rowsOf(member).length === 9);
    assert.deepEqual(rowsOf(member), [1, 2, 3, 4, 5, 6, 8, 9, 10]);
    assert.equal(attempts.filter((n) => n === 5).length, 3);
    assert.equal(attempts.filter((n) => n === 10).length, 1, 'what steps back is not run');
    const [letter] = await stage.deadLetters();
    assert.deepEqual([letter?.reason, letter?.attempts], ['permanent', 1]);
  });

  it('what a transaction publishes is sent when it commits, in the order of the commits, and else never', async () => {
    const member = await stage.scene.join('log-1', { schema: rows });
    const seen: number[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [subscribe(Log.entry, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    const insert = member.database.prepare('INSERT INTO rows VALUES (?)');
    const writes = upTo(300).map((n) =>
      member.messages
        .transaction(
          (tx) => {
            insert.run(n);
            tx.publish(Log.entry, { n });
            if (n % 10 === 0) throw new Error('undone');
          },
          undefined,
          undefined,
        )
        .catch(() => {}),
    );
    await Promise.all(writes);
    const expected = upTo(300).filter((n) => n % 10 !== 0);
    await waitFor(() => seen.length >= expected.length);
    assert.deepEqual(seen, expected);
    assert.deepEqual(rowsOf(member), expected);
  });

  it('what was committed is sent by the next process when this one dies first', async () => {
    const seen: number[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [subscribe(Log.entry, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    for (let round = 0; round < 5; round++) {
      const member = await stage.scene.join('log-1', { schema: rows });
      const writes = upTo(40).map((at) =>
        member.messages.transaction(
          (tx) => tx.publish(Log.entry, { n: round * 40 + at }),
          undefined,
          undefined,
        ),
      );
      await Promise.all(writes);
      await member.kill();
    }
    await stage.scene.join('log-1', { schema: rows });
    await waitFor(() => seen.length >= 200);
    assert.deepEqual(seen, upTo(200));
  });

  it('what was sent and not yet removed from the outbox is not sent again, however much later that is', async () => {
    const seen: number[] = [];
    const duplicateWindowMs = 100;
    await stage.scene.join('orders-1', {
      duplicateWindowMs,
      subscriptions: [subscribe(Log.entry, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    const options = { schema: rows, duplicateWindowMs };
    const publish = (member: Member, n: number): Promise<unknown> =>
      member.messages.transaction((tx) => tx.publish(Log.entry, { n }), undefined, undefined);
    const first = await stage.scene.join('log-1', options);
    await Promise.all(upTo(30).map((n) => publish(first, n)));
    const sent = first.database.prepare('SELECT * FROM flotilla_outbox').all();
    assert.ok(sent.length > 0);
    await waitFor(() => seen.length === 30);
    const columns = Object.keys(sent[0]!);
    const putBack = first.database.prepare(
      `INSERT OR IGNORE INTO flotilla_outbox (${columns}) VALUES (${columns.map(() => '?')})`,
    );
    // As if the process had died between the acknowledgements and the removal of the rows.
    await first.database.write(() => {
      for (const row of sent) putBack.run(...Object.values(row));
    });
    await first.kill();
    const sentAt = Date.now();
    await waitFor(() => Date.now() > sentAt + 250, { what: 'the window to pass' });
    const second = await stage.scene.join('log-1', options);
    await publish(second, 31);
    await waitFor(() => seen.includes(31));
    assert.deepEqual(seen, upTo(31));
  });
}
