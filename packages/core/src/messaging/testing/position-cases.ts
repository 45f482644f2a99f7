/** Where a group stands in a stream: where it begins, how far it has come, and going back. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { platformError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import type { StartPosition } from '../subscription.ts';
import { Ledger, Log, postings, upTo } from './mailbox.ts';
import { type Member, subscribe } from './message-scene.ts';
import { type MessageStage, publishAll, rows, rowsOf } from './message-stage.ts';

export function positionCases(stage: MessageStage): void {
  it('a reader can wait until it sees what was published before', async () => {
    const member: Member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Ledger,
          { group: 'orders', transaction: true },
          {
            posted: ({ n }) => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n),
          },
        ),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    const progress = member.messages.progress('orders', 'ledger');
    assert.equal(await progress.caughtUp({ withinMs: 5_000 }), true, 'of an empty stream');
    for (let round = 1; round <= 10; round++) {
      await publishAll(
        ledger,
        postings(8).map((posting) => ({ ...posting, n: round })),
      );
      assert.equal(await progress.caughtUp({ withinMs: 5_000 }), true);
      assert.equal(rowsOf(member).length, round * 8);
    }
    const published = await ledger.messages.publish(Ledger.posted, { account: 'a', n: 0 });
    const reader = new AbortController();
    await progress.waitFor(published.sequence, { partition: published.partition });
    const waiting = progress.waitFor(1e9, { signal: reader.signal });
    reader.abort(platformError('cancelled', 'gone'));
    await assert.rejects(waiting, { code: 'cancelled' });
  });

  it('a new group begins where it is told to', async () => {
    const { messages } = await stage.scene.join('log-1');
    const before = await Promise.all(upTo(10).map((n) => messages.publish(Log.entry, { n })));
    const after = new Date(Date.now() + 5);
    await waitFor(() => Date.now() > after.getTime() + 5);
    await Promise.all([11, 12].map((n) => messages.publish(Log.entry, { n })));
    let mark = 100;
    const heard = async (group: string, from: StartPosition | undefined): Promise<number[]> => {
      const seen: number[] = [];
      const options = from === undefined ? { group } : { group, from };
      const member = await stage.scene.join(`${group}-1`, {
        subscriptions: [subscribe(Log.entry, options, ({ n }) => void seen.push(n))],
      });
      assert.equal(await member.messages.progress(group, 'log').caughtUp({ withinMs: 5_000 }), true);
      const last = ++mark;
      await messages.publish(Log.entry, { n: last });
      await waitFor(() => seen.includes(last));
      await member.drain();
      return seen;
    };
    const [, , third] = before;
    assert.deepEqual(await heard('all', undefined), [...upTo(12), 101]);
    assert.deepEqual(await heard('some', { sequence: third!.sequence }), [...upTo(12).slice(2), 101, 102]);
    assert.deepEqual(await heard('late', { time: after }), [11, 12, 101, 102, 103]);
    assert.deepEqual(await heard('new', 'new'), [104]);
  });

  it('a replay lets a group handle again what it has handled, inbox or not', async () => {
    const member: Member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Log.entry, { group: 'orders' }, ({ n }, scope) =>
          scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n)),
        ),
      ],
    });
    const { messages } = await stage.scene.join('log-1');
    const published = [];
    for (const n of upTo(5)) published.push(await messages.publish(Log.entry, { n }));
    await waitFor(() => rowsOf(member).length === 5);
    const operations = await stage.scene.operations();
    const selection = {
      ...{ group: 'orders', service: 'log' },
      from: { sequence: published[1]!.sequence },
      until: { sequence: published[3]!.sequence },
    };
    assert.equal((await operations.replay(selection)).messages, 3);
    await waitFor(() => rowsOf(member).length === 8);
    assert.deepEqual(rowsOf(member).slice(5).toSorted(), [2, 3, 4]);
    assert.equal((await operations.replay(selection)).messages, 3, 'and once more');
    await waitFor(() => rowsOf(member).length === 11);
  });
}
