/**
 * What messages promise to a publisher with a log of its own, and to those who follow it, on every engine: also when the stream of
 * the log is lost, which the log makes good.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { waitFor } from '../../testing/wait-for.ts';
import { JetStreamApi } from '../jetstream/api.ts';
import { Ledger, Log, numbers, type Posting, postings, upTo } from './mailbox.ts';
import { type Member, subscribe } from './message-scene.ts';
import { rows, rowsOf, stageOn } from './message-stage.ts';
import type { TestBroker } from './nats-server.ts';

export function logCases(startBroker: () => Promise<TestBroker>): void {
  const stage = stageOn(startBroker);

  /** Follows the log into its rows. */
  const follower = async (handledUpTo?: number): Promise<Member> => {
    const member: Member = await stage.scene.join('copy-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Log.entry,
          {
            group: 'copy',
            transaction: true,
            gapless: true,
            position: ({ n }) => n,
            retry: { transient: { firstMs: 5, mostMs: 20 } },
            ...(handledUpTo === undefined ? {} : { handledUpTo: () => handledUpTo }),
          },
          ({ n }) => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n),
        ),
      ],
    });
    return member;
  };
  const copied = (member: Member, expected: readonly number[]): Promise<unknown> =>
    waitFor(() => rowsOf(member).length >= expected.length).then(() =>
      assert.deepEqual(rowsOf(member), expected),
    );
  /** Publishes the entries that the stream lacks, as a publisher does that keeps the log. */
  const publishUpTo = async ({ messages }: Member, count: number): Promise<void> => {
    const { sequence, last } = await waitFor(() => messages.streamEnd(Log.entry));
    const known = (last?.payload as { readonly n: number } | undefined)?.n ?? 0;
    const missing = upTo(count).slice(known);
    await Promise.all(
      missing.map((n, at) => messages.publish(Log.entry, { n }, { expectedLast: sequence + at })),
    );
  };
  const removeStream = async (): Promise<void> => {
    const api = new JetStreamApi(await stage.scene.connect());
    await api.request(`STREAM.DELETE.${stage.scene.fleet}_log`);
  };
  const loseData = async (): Promise<void> => {
    await stage.broker.kill();
    await stage.broker.wipe();
    await stage.broker.start();
  };

  it('an entry is appended behind the last one only, and the stream tells which that is', async () => {
    const { messages } = await stage.scene.join('log-1');
    assert.deepEqual(await messages.streamEnd(Log.entry), { sequence: 0, last: undefined });
    const append = (n: number, expectedLast: number) => messages.publish(Log.entry, { n }, { expectedLast });
    const outcomes = await Promise.allSettled([append(1, 0), append(2, 1), append(3, 1), append(4, 2)]);
    assert.deepEqual(
      outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? outcome.value.sequence : outcome.reason.code,
      ),
      [1, 2, 'conflict', 3],
    );
    const end = await messages.streamEnd(Log.entry);
    assert.deepEqual(end, { sequence: 3, last: { sequence: 3, payload: { n: 4 } } });
  });

  it('what is published again under another id is a repetition by its position', async () => {
    const copy = await follower();
    const { messages } = await stage.scene.join('log-1');
    for (const n of [1, 2, 3, 2, 3, 4, 1, 5]) await messages.publish(Log.entry, { n });
    await copied(copy, upTo(5));
    assert.equal(copy.messages.progress('copy', 'log').applied(), 5);
  });

  it('what was handled before there was the group is not handled again', async () => {
    const { messages } = await stage.scene.join('log-1');
    for (const n of upTo(6)) await messages.publish(Log.entry, { n });
    const copy = await follower(4);
    assert.ok(copy.messages.progress('copy', 'log').applied() >= 4, 'known before anything is read');
    await copied(copy, [5, 6]);
  });

  it('nothing is handled behind a gap, until the stream is made anew from the log', async () => {
    const copy = await follower();
    const log = await stage.scene.join('log-1');
    for (const n of [1, 2, 4, 5]) await log.messages.publish(Log.entry, { n });
    await copied(copy, [1, 2]);
    const { messages } = copy;
    await assert.rejects(messages.progress('copy', 'log').waitFor(4, { signal: AbortSignal.timeout(300) }));
    await removeStream();
    await publishUpTo(log, 6);
    await copied(copy, upTo(6));
  });

  it('followers live through the loss of all data of the broker, and miss and repeat nothing', async () => {
    const copy = await follower();
    const seen: Posting[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'orders' }, (posting) => void seen.push(posting))],
    });
    const [log, ledger] = [await stage.scene.join('log-1'), await stage.scene.join('ledger-1')];
    const post = async (all: readonly Posting[]): Promise<void> => {
      await Promise.all(all.map((posting) => ledger.messages.publish(Ledger.posted, posting)));
    };
    await publishUpTo(log, 300);
    await post(postings(20));
    await copied(copy, upTo(300));
    await waitFor(() => seen.length === 20);

    await loseData();
    await publishUpTo(log, 320);
    await post(postings(40).slice(20));
    await copied(copy, upTo(320));
    // What those without positions have handled is not in the new stream.
    await waitFor(() => seen.length === 40);
    assert.deepEqual(
      numbers(seen).toSorted((a, b) => a - b),
      upTo(40),
    );

    // The groups go on: leases are renewed, and a member that comes back is given its partition.
    await copy.kill();
    await publishUpTo(log, 330);
    const again = await follower();
    await copied(again, upTo(330));
  });

  it('the limits that its owner wants hold for a stream that others have made anew', async () => {
    const copy = await follower();
    const log = await stage.scene.join('log-1');
    await log.messages.own(1, { keepMs: 0 });
    await publishUpTo(log, 1);
    await copied(copy, [1]);
    await loseData();
    await copy.messages.streamEnd(Log.entry).catch(() => {});
    await publishUpTo(log, 2);
    await copied(copy, [1, 2]);
    const { config } = await new JetStreamApi(await stage.scene.connect()).streamInfo(
      `${stage.scene.fleet}_log`,
    );
    assert.equal(config.max_age, 0);
  });

  it('delayed messages and dead letters work again after the broker has lost its data', async () => {
    const seen: number[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders', retry: { unexpected: { attempts: 1 } } }, ({ n }) => {
          if (n === 13) throw new RangeError('an unlucky number');
          seen.push(n);
        }),
      ],
    });
    const { messages } = await stage.scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(() => seen.length === 1);
    await loseData();
    await messages.publish(Ledger.posted, { account: 'a', n: 13 });
    await messages.publish(Ledger.posted, { account: 'a', n: 2 }, { delay: 50 });
    await waitFor(() => seen.includes(2));
    const operations = await stage.scene.operations();
    const letter = await waitFor(async () => {
      for await (const found of operations.deadLetters()) return found;
      return undefined;
    });
    assert.equal(letter.event, 'posted');
  });
}
