/**
 * What messages promise while leaders of a cluster are killed: in the middle of each case whoever leads the stream in use dies by
 * kill -9, others take its place, and it comes back with what it has stored.
 */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { platformError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { JetStreamApi } from '../jetstream/api.ts';
import { readMessages } from '../operators/read-messages.ts';
import {
  firstOf,
  inOrderOfKeys,
  Jobs,
  Ledger,
  Log,
  numbers,
  type Posting,
  postings,
  upTo,
} from './mailbox.ts';
import { type Member, subscribe, work } from './message-scene.ts';
import { rows, rowsOf, stageOn } from './message-stage.ts';
import type { NatsCluster } from './nats-cluster.ts';

/** A follower stands for election after 4 s to 9 s, and votes may be split. */
const patience = { timeoutMs: 60_000 };
const deadlineMs = 60_000;

export function leaderCases(startCluster: () => Promise<NatsCluster>): void {
  const stage = stageOn(startCluster);

  /** Of the scene's streams; by the part of their names that is their own. */
  const loseLeaderOf = async (stream: string): Promise<void> => {
    const name = stream === 'groups' ? `KV_${stage.scene.fleet}_groups` : `${stage.scene.fleet}_${stream}`;
    const leader = await waitFor(() => stage.broker.leaderOf(name), patience);
    await stage.broker.killMember(leader);
    await waitFor(async () => (await stage.broker.leaderOf(name)) !== leader, patience);
    stage.broker.startMember(leader);
    await waitFor(() => stage.broker.hasAllReplicas(name), patience);
  };
  const inOrder = (all: readonly number[]): number[] => all.toSorted((a, b) => a - b);
  const insertInto = (member: () => Member) => (n: number) =>
    void member().database.prepare('INSERT INTO rows VALUES (?)').run(n);

  it('no acknowledged message is lost, none is handled twice with an inbox, and each key keeps its order', async () => {
    const accounts = 32;
    const all = postings(3_200, accounts);
    const seen: Posting[] = [];
    const follower: Member = await stage.scene.join('follower-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'follower', transaction: true }, ({ n }) =>
          insertInto(() => follower)(n),
        ),
      ],
    });
    const worker: Member = await stage.scene.join('worker-1', {
      schema: rows,
      subscriptions: [
        work(Ledger.posted, { group: 'worker', concurrency: 64 }, ({ n }, scope) =>
          scope.transaction(() => insertInto(() => worker)(n)),
        ),
      ],
    });
    await stage.scene.join('reader-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'reader' }, (posting) => void seen.push(posting))],
    });
    const ledger = await stage.scene.join('ledger-1');
    const acknowledged = new Set<number>();
    const publishing = Promise.all(
      upTo(accounts).map(async (at) => {
        for (const posting of all.filter(({ account }) => account === `account-${at - 1}`)) {
          await ledger.messages.publish(Ledger.posted, posting, { deadlineMs });
          acknowledged.add(posting.n);
          await delay(1);
        }
      }),
    );
    await waitFor(() => acknowledged.size > 500, patience);
    await loseLeaderOf('ledger');
    await publishing;

    // By number, not by place: around the change of a leader, nats-server acknowledges under sequences that it does not keep.
    const stored = new Set<number>();
    const api = new JetStreamApi(await stage.scene.connect());
    const reading = { stream: `${stage.scene.fleet}_ledger`, filter: '>', from: { sequence: 1 } };
    for await (const { payload } of readMessages(api, reading)) {
      stored.add((JSON.parse(Buffer.from(payload).toString()) as Posting).n);
    }
    assert.deepEqual(inOrder([...stored]), inOrder([...acknowledged]));
    await waitFor(
      () => [follower, worker].every((member) => new Set(rowsOf(member)).size === all.length),
      patience,
    );
    await waitFor(() => new Set(numbers(seen)).size === all.length, patience);
    for (const member of [follower, worker])
      assert.deepEqual(inOrder(rowsOf(member)), upTo(all.length), `${member.instance}: each once`);
    assert.ok(inOrderOfKeys(firstOf(seen)));
  });

  it('an outbox sends what was committed, in the order of the commits and once', async () => {
    const seen: number[] = [];
    const each = 1_500;
    await stage.scene.join('reader-1', {
      subscriptions: [subscribe(Log.entry, { group: 'reader' }, ({ n }) => void seen.push(n))],
    });
    const log = await stage.scene.join('log-1', { schema: rows });
    const write = (n: number): Promise<unknown> =>
      log.messages.transaction((tx) => tx.publish(Log.entry, { n }), undefined, undefined);
    const writing = Promise.all(upTo(each).map(write));
    await waitFor(() => seen.length > 100, patience);
    const losing = loseLeaderOf('log');
    await writing;
    await Promise.all(upTo(each).map((n) => write(each + n)));
    await losing;
    await waitFor(() => new Set(seen).size === 2 * each, patience);
    assert.deepEqual([...new Set(seen)], upTo(2 * each));
    assert.equal((await log.messages.streamEnd(Log.entry)).sequence, 2 * each, 'the stream has each once');
  });

  it('work that fails is handed out again, what never succeeds becomes a dead letter, and no job is done twice', async () => {
    const count = 400;
    const isHopeless = (n: number): boolean => n % 50 === 0;
    const worker = async (instance: string): Promise<Member> => {
      const member: Member = await stage.scene.join(instance, {
        schema: rows,
        subscriptions: [
          work(
            Jobs.render,
            { group: 'renderers', retry: { unexpected: { attempts: 3, firstMs: 20, mostMs: 40 } } },
            async ({ n }, scope) => {
              await delay(2);
              if (isHopeless(n)) throw platformError('not_found', 'never');
              if (n % 10 === 0 && scope.message.attempt === 1) throw new RangeError('not yet');
              await scope.transaction(() => insertInto(() => member)(n));
            },
          ),
        ],
      });
      return member;
    };
    const [first] = await Promise.all([worker('renderer-1'), worker('renderer-2')]);
    const { messages } = await stage.scene.join('jobs-1');
    const publish = async (): Promise<void> => {
      for (const n of upTo(count)) await messages.publish(Jobs.render, { n }, { deadlineMs });
    };
    const publishing = publish();
    await waitFor(() => rowsOf(first).length > 50, patience);
    await loseLeaderOf('jobs');
    await publishing;
    const expected = upTo(count).filter((n) => !isHopeless(n));
    await waitFor(() => rowsOf(first).length >= expected.length, patience);
    assert.deepEqual(inOrder(rowsOf(first)), expected);
    await waitFor(async () => (await stage.deadLetters()).length >= count / 50, patience);
    const dead = (await stage.deadLetters()).map(
      ({ payload }) => (JSON.parse(Buffer.from(payload).toString()) as { n: number }).n,
    );
    assert.deepEqual(inOrder(dead), upTo(count).filter(isHopeless));
  });

  it('members take over from each other while the leader of their bucket is lost, and keep the order of each key', async () => {
    const seen: Posting[] = [];
    const member = (instance: string): Promise<Member> =>
      stage.scene.join(instance, {
        schema: rows,
        subscriptions: [
          subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
            await delay(1);
            seen.push(posting);
          }),
        ],
      });
    const [first] = await Promise.all([member('orders-1'), member('orders-2')]);
    const ledger = await stage.scene.join('ledger-1');
    const all = postings(800, 16);
    const publishing = (async () => {
      for (const posting of all) await ledger.messages.publish(Ledger.posted, posting, { deadlineMs });
    })();
    await waitFor(() => seen.length > 100, patience);
    const losing = loseLeaderOf('groups');
    await first.kill();
    await losing;
    await publishing;
    await waitFor(() => new Set(numbers(seen)).size === all.length, patience);
    assert.ok(inOrderOfKeys(firstOf(seen)));
  });

  it('delayed messages, dead letters and replays arrive although the leader of their streams was lost', async () => {
    let isRepaired = false;
    const member: Member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Log.entry, { group: 'orders' }, ({ n }, scope) => {
          if (n === 3 && !isRepaired) throw platformError('not_found', 'not repaired');
          return scope.transaction(() => insertInto(() => member)(n));
        }),
      ],
    });
    const { messages } = await stage.scene.join('log-1');
    for (const n of upTo(5)) await messages.publish(Log.entry, { n }, { deadlineMs });
    await messages.publish(Log.entry, { n: 6 }, { delay: '1s', deadlineMs });
    await waitFor(() => rowsOf(member).includes(5), patience);
    isRepaired = true;
    const operations = await stage.scene.operations();
    const losing = loseLeaderOf('REDRIVE');
    const given = await waitFor(async () => (await operations.redrive({})).letters, patience);
    await losing;
    assert.equal(given, 1);
    await waitFor(() => rowsOf(member).length === 6, patience);
    assert.deepEqual(inOrder(rowsOf(member)), upTo(6));
    const selection = { group: 'orders', service: 'log', from: { sequence: 1 }, until: { sequence: 2 } };
    assert.equal((await operations.replay(selection)).messages, 2);
    await waitFor(() => rowsOf(member).length === 8, patience);
    assert.deepEqual(rowsOf(member).slice(6).toSorted(), [1, 2]);
  });

  it('a stream is not made with fewer copies because a member has stopped', async () => {
    const { messages } = await stage.scene.join('ledger-1');
    const publish = (within: number): Promise<unknown> =>
      messages.publish(Ledger.posted, { account: 'a', n: 1 }, { deadlineMs: within });
    await stage.broker.stopMember('two');
    await assert.rejects(publish(1_000), { code: 'unavailable' });
    stage.broker.startMember('two');
    await publish(deadlineMs);
    const { config } = await new JetStreamApi(await stage.scene.connect()).streamInfo(
      `${stage.scene.fleet}_ledger`,
    );
    assert.equal(config.num_replicas, 3);
  });
}
