/**
 * What messages promise, on every engine: the same cases run on nats-server and on the embedded broker. What needs processes of its
 * own that are killed is in `crash-cases.ts`.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type FlotillaError, platformError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { readHeaderBlock } from '../headers.ts';
import { JetStreamApi, nanosecondsPerMs } from '../jetstream/api.ts';
import type { DeadLetter } from '../operators/dead-letter.ts';
import type { StartPosition } from '../subscription.ts';
import { header } from '../topology.ts';
import { inOrderOfKeys, Jobs, Ledger, Log, numbers, type Posting, postings, upTo } from './mailbox.ts';
import { listen, type Member, MessageScene, subscribe, work } from './message-scene.ts';
import type { TestBroker } from './nats-server.ts';

const rows = 'CREATE TABLE rows (n INTEGER NOT NULL) STRICT';

export function messagingCases(startBroker: () => Promise<TestBroker>): void {
  let broker: TestBroker;
  let scene: MessageScene;

  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());
  beforeEach(() => {
    scene = new MessageScene(broker);
  });
  afterEach(() => scene.close());

  const publishAll = async (member: Member, all: readonly Posting[]): Promise<void> => {
    await Promise.all(all.map((posting) => member.messages.publish(Ledger.posted, posting)));
  };
  const publishInTurn = async (member: Member, all: readonly Posting[]): Promise<void> => {
    for (const posting of all) await member.messages.publish(Ledger.posted, posting);
  };
  const rowsOf = ({ database }: Member): number[] =>
    database
      .prepare('SELECT n FROM rows ORDER BY rowid')
      .all()
      .map(({ n }) => Number(n));
  const deadLetters = async (): Promise<DeadLetter[]> => {
    const letters: DeadLetter[] = [];
    for await (const letter of (await scene.operations()).deadLetters()) letters.push(letter);
    return letters;
  };

  it('a message arrives with what its publisher said, as a CloudEvent', async () => {
    const seen: unknown[] = [];
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, (posting, { message }) => {
          const { id, sequence, partition, key, type, event, service, source, attempt, redrives } = message;
          seen.push({
            posting,
            id,
            sequence,
            partition,
            key,
            type,
            event,
            service,
            source,
            attempt,
            redrives,
          });
          assert.ok(Math.abs(message.time.getTime() - Date.now()) < 60_000);
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    const posting = { account: 'Zürich 7', n: 1 };
    const published = await ledger.messages.publish(Ledger.posted, posting, { id: 'posting-1' });
    assert.equal(published.duplicate, false);
    await waitFor(() => seen.length === 1);
    const { partition, sequence } = published;
    assert.deepEqual(seen, [
      {
        ...{ posting, id: 'posting-1', sequence, partition, key: 'Zürich 7', type: 'ledger.posted' },
        ...{ event: 'posted', service: 'ledger', source: `/${scene.fleet}/ledger`, attempt: 1, redrives: 0 },
      },
    ]);
    const stored = await new JetStreamApi(await scene.connect()).message(`${scene.fleet}_ledger`, sequence);
    assert.equal(stored?.subject, `${scene.fleet}.events.ledger.${partition}.posted`);
    const headers = readHeaderBlock(Buffer.from(stored.hdrs ?? '', 'base64'));
    assert.equal(headers.get(header.specVersion), '1.0');
    assert.equal(headers.get(header.type), 'ledger.posted');
    assert.equal(headers.get(header.id), 'posting-1');
    assert.equal(headers.get(header.messageId), 'posting-1');
    assert.match(headers.get(header.traceparent) ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.deepEqual(JSON.parse(Buffer.from(stored.data ?? '', 'base64').toString()), posting);
  });

  it('the trace goes on from the publisher to the handler', async () => {
    let handled: string | undefined;
    const orders = await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, (_, { trace }) => {
          handled = trace.name;
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    await ledger.messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(() => handled !== undefined);
    const [summary] = ledger.telemetry.tracer.recent({ reason: 'recent' });
    const [published] = ledger.telemetry.tracer.spansOf(summary!.traceId);
    assert.deepEqual([published?.name, published?.kind], ['publish ledger.posted', 'producer']);
    const processed = await waitFor(() => orders.telemetry.tracer.spansOf(summary!.traceId)[0]);
    assert.deepEqual([processed.name, processed.kind], ['process ledger.posted', 'consumer']);
    assert.equal(processed.parentSpanId, published?.spanId);
    assert.equal(processed.attributes['messaging.consumer.group.name'], 'orders');
    assert.equal(processed.attributes['messaging.system'], 'nats');
  });

  it('messages of one key come one after the other, those of others beside them', async () => {
    const running = new Map<string, number>();
    let most = 0;
    const seen: Posting[] = [];
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders', concurrency: 4 }, async (posting) => {
          assert.equal(running.get(posting.account) ?? 0, 0, 'two of one key at once');
          running.set(posting.account, 1);
          most = Math.max(
            most,
            [...running.values()].reduce((sum, each) => sum + each, 0),
          );
          await delay(2);
          running.set(posting.account, 0);
          seen.push(posting);
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    await publishInTurn(ledger, postings(80));
    await waitFor(() => seen.length === 80);
    assert.ok(inOrderOfKeys(seen));
    assert.ok(most > 1 && most <= 4, `${most} at a time`);
  });

  it('the events of a service are in one order per key, whatever their names', async () => {
    const seen: string[] = [];
    const say = (name: string) => (posting: { account: string }) => {
      seen.push(`${posting.account} ${name}`);
    };
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger, { group: 'orders' }, { posted: say('posted'), closed: say('closed') }),
      ],
    });
    const { messages } = await scene.join('ledger-1');
    for (const account of ['a', 'b']) {
      await messages.publish(Ledger.posted, { account, n: 1 });
      await messages.publish(Ledger.closed, { account });
      await messages.publish(Ledger.posted, { account, n: 2 });
    }
    await waitFor(() => seen.length === 6);
    for (const account of ['a', 'b'])
      assert.deepEqual(
        seen.filter((each) => each.startsWith(account)),
        [`${account} posted`, `${account} closed`, `${account} posted`],
      );
  });

  it('what fails is handled again until it succeeds, and nothing behind it of its key before', async () => {
    const seen: string[] = [];
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { transient: { firstMs: 5, mostMs: 10 } } },
          ({ account, n }, { message: { attempt } }) => {
            seen.push(`${account} ${n} ${attempt}`);
            if (account === 'a' && n === 1 && attempt < 4) throw platformError('unavailable', 'not now');
          },
        ),
      ],
    });
    const { messages } = await scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 5);
    assert.deepEqual(seen, ['a 1 1', 'a 1 2', 'a 1 3', 'a 1 4', 'a 2 1']);
  });

  it('the order of each key survives failures and retries', async () => {
    const seen: Posting[] = [];
    const failing = new Map(
      postings(400)
        .filter(({ n }) => n % 20 === 0)
        .map(({ n }) => [n, 1 + (n % 3)]),
    );
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { unexpected: { firstMs: 2, mostMs: 4 } } },
          async (posting, { message }) => {
            if (message.attempt <= (failing.get(posting.n) ?? 0))
              throw new Error('5 % fail, once to three times');
            await delay(0);
            seen.push(posting);
          },
        ),
      ],
    });
    const ledger = await scene.join('ledger-1');
    await publishInTurn(ledger, postings(400));
    await waitFor(() => seen.length >= 400);
    assert.equal(seen.length, 400);
    assert.ok(inOrderOfKeys(seen));
  });

  it('a message that can never be handled becomes a dead letter, and the others go on', async () => {
    const seen: number[] = [];
    const { messages, connection } = await scene.join('ledger-1');
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { unexpected: { attempts: 3, firstMs: 2, mostMs: 4 } } },
          ({ n }) => {
            if (n === 2) throw new TypeError('cannot handle 2', { cause: new RangeError('too even') });
            if (n === 3) throw platformError('not_found', 'no account');
            seen.push(n);
          },
        ),
      ],
    });
    for (const n of upTo(4))
      await messages.publish(Ledger.posted, { account: 'a', n }, { id: `posting-${n}` });
    connection.publish(`${scene.fleet}.events.ledger.0.posted`, '{"account": 7');
    connection.publish(`${scene.fleet}.events.ledger.0.posted`, '{"account": 7, "n": 1}');
    await waitFor(async () => (await deadLetters()).length === 4);
    await waitFor(() => seen.length === 2);
    assert.deepEqual(seen, [1, 4]);
    const byReason = (reason: string) => async (): Promise<DeadLetter[]> =>
      (await deadLetters()).filter((letter) => letter.reason === reason);
    const [exhausted] = await byReason('exhausted')();
    assert.deepEqual(
      [exhausted?.id, exhausted?.attempts, exhausted?.error.message, exhausted?.instance, exhausted?.key],
      ['posting-2', 3, 'cannot handle 2', 'orders-1', 'a'],
    );
    assert.match(exhausted?.stack ?? '', /TypeError: cannot handle 2[\s\S]*caused by: RangeError: too even/);
    assert.equal(exhausted?.origin.stream, `${scene.fleet}_ledger`);
    assert.deepEqual(JSON.parse(Buffer.from(exhausted.payload).toString()), { account: 'a', n: 2 });
    const [permanent] = await byReason('permanent')();
    assert.deepEqual(
      [permanent?.id, permanent?.attempts, permanent?.error.code],
      ['posting-3', 1, 'not_found'],
    );
    const invalid = await byReason('invalid')();
    assert.deepEqual(
      invalid.map(({ payload }) => Buffer.from(payload).toString()),
      ['{"account": 7', '{"account": 7, "n": 1}'],
    );
    assert.match(invalid[1]?.error.message ?? '', /account: /);
  });

  it('a group that never gives up waits for the message that fails', async () => {
    let isBroken = true;
    const seen: number[] = [];
    await scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Log.entry,
          {
            group: 'orders',
            transaction: true,
            exhausted: 'wait',
            retry: { transient: { firstMs: 5, mostMs: 10 } },
          },
          ({ n }, { message }) => {
            seen.push(message.attempt);
            if (n === 2 && isBroken) throw platformError('not_found', 'not there yet');
          },
        ),
      ],
    });
    const { messages } = await scene.join('log-1');
    for (const n of upTo(3)) await messages.publish(Log.entry, { n });
    await waitFor(() => seen.length > 8);
    isBroken = false;
    await waitFor(() => seen.at(-1) === 1);
    assert.deepEqual(await deadLetters(), []);
  });

  it('nothing is lost or handled twice when a member drains and comes back', async () => {
    const seen: Posting[] = [];
    const options = {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
          await delay(1);
          seen.push(posting);
        }),
      ],
    };
    const ledger = await scene.join('ledger-1');
    const publishing = publishInTurn(ledger, postings(600));
    for (let round = 0; round < 3; round++) {
      const orders = await scene.join('orders-1', options);
      const before = seen.length;
      await waitFor(() => seen.length > before + 20);
      await orders.drain();
    }
    await publishing;
    await scene.join('orders-1', options);
    await waitFor(() => seen.length >= 600);
    assert.deepEqual(
      numbers(seen).toSorted((a, b) => a - b),
      upTo(600),
    );
    assert.ok(inOrderOfKeys(seen));
  });

  it('a member that stops finishes what it has in hand, and begins nothing', async () => {
    const started: number[] = [];
    const finished: number[] = [];
    const orders = await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders', concurrency: 2 }, async ({ n }) => {
          started.push(n);
          await delay(300);
          finished.push(n);
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    await publishAll(ledger, postings(20));
    await waitFor(() => started.length === 2);
    await orders.drain();
    assert.deepEqual(finished, started);
    assert.equal(started.length, 2);
  });

  it('members share the partitions, keep the order of each key, and take over from each other', async () => {
    const seen: (Posting & { by: string })[] = [];
    const member = (instance: string) =>
      scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
            seen.push({ ...posting, by: instance });
          }),
        ],
      });
    const [first] = await Promise.all([member('orders-1'), member('orders-2')]);
    const ledger = await scene.join('ledger-1');
    const owners = async (): Promise<(string | undefined)[]> => {
      const [group] = await (await scene.operations()).groups();
      return group?.partitions.map(({ owner }) => owner) ?? [];
    };
    await waitFor(async () => {
      const now = await owners();
      return (
        now.filter((owner) => owner === 'orders-1').length === 2 && now.every((owner) => owner !== undefined)
      );
    });
    await publishInTurn(ledger, postings(100, 32));
    await waitFor(() => seen.length === 100);
    assert.deepEqual(new Set(seen.map(({ by }) => by)), new Set(['orders-1', 'orders-2']));
    await first.drain();
    await publishInTurn(ledger, postings(200, 32).slice(100));
    await waitFor(() => seen.length === 200);
    assert.ok(seen.slice(100).every(({ by }) => by === 'orders-2'));
    assert.ok(inOrderOfKeys(seen));
  });

  it('when a member dies the others go on from its checkpoints, and lose nothing', async () => {
    const seen: (Posting & { by: string })[] = [];
    const member = (instance: string) =>
      scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
            await delay(1);
            seen.push({ ...posting, by: instance });
          }),
        ],
      });
    const [first] = await Promise.all([member('orders-1'), member('orders-2')]);
    const ledger = await scene.join('ledger-1');
    const publishing = publishInTurn(ledger, postings(600, 32));
    await waitFor(() => seen.length > 100);
    await first.kill();
    const handledByFirst = new Set(numbers(seen.filter(({ by }) => by === 'orders-1')));
    await publishing;
    await waitFor(() => new Set(numbers(seen)).size === 600);
    const byTheOther = numbers(seen.filter(({ by }) => by === 'orders-2'));
    assert.equal(new Set(byTheOther).size, byTheOther.length, 'nothing twice by one member');
    const again = byTheOther.filter((n) => handledByFirst.has(n));
    assert.ok(
      again.length + 600 - handledByFirst.size === byTheOther.length,
      'only what the dead one had done',
    );
  });

  it('a group belongs to one service', async () => {
    const seen: string[] = [];
    const member = (instance: string) =>
      scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'shared' }, async () => {
            seen.push(instance);
          }),
        ],
      });
    const orders = await member('orders-1');
    const ledger = await scene.join('ledger-1');
    await publishAll(ledger, postings(8));
    await waitFor(() => seen.length === 8);
    await orders.drain();
    await member('mail-1');
    await publishAll(ledger, postings(16).slice(8));
    await member('orders-1');
    await waitFor(() => seen.length === 16);
    assert.deepEqual(new Set(seen), new Set(['orders-1']));
  });

  it('work goes to whoever has a place, as many at a time as there are', async () => {
    let running = 0;
    let most = 0;
    const seen: { n: number; by: string }[] = [];
    const renderer = (instance: string) =>
      scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers', concurrency: 3 }, async ({ n }) => {
            running += 1;
            most = Math.max(most, running);
            // One member has three places: the first to get any waits for the other.
            await waitFor(() => most > 3);
            await delay(5);
            running -= 1;
            seen.push({ n, by: instance });
          }),
        ],
      });
    await Promise.all([renderer('renderer-1'), renderer('renderer-2')]);
    const { messages } = await scene.join('jobs-1');
    await Promise.all(upTo(60).map((n) => messages.publish(Jobs.render, { n })));
    await waitFor(() => seen.length === 60);
    assert.deepEqual(
      numbers(seen).toSorted((a, b) => a - b),
      upTo(60),
    );
    assert.ok(most <= 6, `${most} at a time`);
    assert.equal(new Set(seen.map(({ by }) => by)).size, 2);
  });

  it('work in hand is not handed out again while it takes longer than the broker waits', async () => {
    const started: number[] = [];
    const renderer = (instance: string) =>
      scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers' }, async ({ n }) => {
            started.push(n);
            await delay(4_000);
          }),
        ],
      });
    const [first] = await Promise.all([renderer('renderer-1'), renderer('renderer-2')]);
    const { messages } = await scene.join('jobs-1');
    await messages.publish(Jobs.render, { n: 1 });
    await waitFor(async () => (await scene.operations()).groups().then(([group]) => group?.inFlight === 1));
    await waitFor(async () => (await scene.operations()).groups().then(([group]) => group?.lag === 0), {
      timeoutMs: 15_000,
    });
    assert.deepEqual(started, [1]);
    assert.ok(first);
  });

  it('work that fails is handed out again after a wait, and in the end becomes a dead letter', async () => {
    const attempts: string[] = [];
    await scene.join('renderer-1', {
      subscriptions: [
        work(
          Jobs.render,
          { group: 'renderers', retry: { unexpected: { attempts: 3, firstMs: 20, mostMs: 40 } } },
          ({ n }, { message }) => {
            attempts.push(`${n} ${message.attempt}`);
            if (n === 2 && message.attempt < 3) throw new Error('not yet');
            if (n === 3) throw new Error('never');
          },
        ),
      ],
    });
    const { messages } = await scene.join('jobs-1');
    for (const n of upTo(3)) await messages.publish(Jobs.render, { n });
    await waitFor(async () => (await deadLetters()).length === 1);
    await waitFor(() => attempts.length === 7);
    assert.deepEqual(attempts.toSorted(), ['1 1', '2 1', '2 2', '2 3', '3 1', '3 2', '3 3']);
    const [letter] = await deadLetters();
    assert.deepEqual([letter?.reason, letter?.attempts, letter?.event], ['exhausted', 3, 'render']);
    await waitFor(async () => (await scene.operations()).groups().then(([group]) => group?.lag === 0));
  });

  it('a member that stops gives its work back to the others at once', async () => {
    const seen: string[] = [];
    const renderer = (instance: string, waitMs: number) =>
      scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers', concurrency: 1 }, async ({ n }) => {
            await delay(waitMs);
            seen.push(`${instance} ${n}`);
          }),
        ],
      });
    const slow = await renderer('renderer-1', 400);
    const { messages } = await scene.join('jobs-1');
    for (const n of upTo(3)) await messages.publish(Jobs.render, { n });
    await waitFor(async () =>
      (await scene.operations()).groups().then(([group]) => (group?.inFlight ?? 0) >= 2),
    );
    await slow.drain();
    await renderer('renderer-2', 1);
    await waitFor(() => seen.length === 3, { timeoutMs: 1_400 });
    assert.deepEqual(seen.toSorted(), ['renderer-1 1', 'renderer-2 2', 'renderer-2 3']);
  });

  it('what is published twice under one id is one message to the stream, for two minutes', async () => {
    const seen: number[] = [];
    await scene.join('orders-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    const { messages } = await scene.join('ledger-1');
    const first = await messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'once' });
    const again = await messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'once' });
    assert.deepEqual([again.sequence, again.duplicate], [first.sequence, true]);
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 2);
    assert.deepEqual(seen, [1, 2]);
  });

  it('what is published again later is known by the inbox, in a group with order and in work', async () => {
    const { messages } = await scene.join('jobs-1');
    await messages.publish(Jobs.render, { n: 0 });
    const api = new JetStreamApi(await scene.connect());
    const { config } = await api.streamInfo(`${scene.fleet}_jobs`);
    await api.updateStream({ ...config, duplicate_window: 100 * nanosecondsPerMs });
    const insert = (
      { n }: { n: number },
      scope: { transaction(work: () => void): Promise<void> },
      member: Member,
    ) => scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n));
    const ordered: Member = await scene.join('ordered-1', {
      schema: rows,
      subscriptions: [
        subscribe(Jobs.render, { group: 'ordered' }, (job, scope) => insert(job, scope, ordered)),
      ],
    });
    const worker: Member = await scene.join('worker-1', {
      schema: rows,
      subscriptions: [work(Jobs.render, { group: 'worker' }, (job, scope) => insert(job, scope, worker))],
    });
    const inTransaction: Member = await scene.join('projection-1', {
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
    const member: Member = await scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, async ({ n }, scope) => {
          attempts += 1;
          await scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n));
          throw new Error('after the commit');
        }),
      ],
    });
    const { messages } = await scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(() => rowsOf(member).length === 1);
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => rowsOf(member).length === 2);
    assert.equal(attempts, 2);
    assert.deepEqual(await deadLetters(), []);
  });

  it('a log is applied in order and once, in the transaction of its checkpoint, across crashes', async () => {
    const follower = async (): Promise<Member> => {
      const member: Member = await scene.join('orders-1', {
        schema: rows,
        subscriptions: [
          subscribe(Log.entry, { group: 'orders', transaction: true, position: ({ n }) => n }, ({ n }) => {
            member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
          }),
        ],
      });
      return member;
    };
    const log = await scene.join('log-1');
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
    const member: Member = await scene.join('orders-1', {
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
    const { messages } = await scene.join('log-1');
    await Promise.all(upTo(10).map((n) => messages.publish(Log.entry, { n })));
    await waitFor(() => rowsOf(member).length === 9);
    assert.deepEqual(rowsOf(member), [1, 2, 3, 4, 5, 6, 8, 9, 10]);
    assert.equal(attempts.filter((n) => n === 5).length, 3);
    assert.equal(attempts.filter((n) => n === 10).length, 1, 'what steps back is not run');
    const [letter] = await deadLetters();
    assert.deepEqual([letter?.reason, letter?.attempts], ['permanent', 1]);
  });

  it('what a transaction publishes is sent when it commits, in the order of the commits, and else never', async () => {
    const member = await scene.join('log-1', { schema: rows });
    const seen: number[] = [];
    await scene.join('orders-1', {
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
    await scene.join('orders-1', {
      subscriptions: [subscribe(Log.entry, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    for (let round = 0; round < 5; round++) {
      const member = await scene.join('log-1', { schema: rows });
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
    await scene.join('log-1', { schema: rows });
    await waitFor(() => seen.length >= 200);
    assert.deepEqual(seen, upTo(200));
  });

  it('what was sent and not yet removed from the outbox is not sent again, however much later that is', async () => {
    const seen: number[] = [];
    const duplicateWindowMs = 100;
    await scene.join('orders-1', {
      duplicateWindowMs,
      subscriptions: [subscribe(Log.entry, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    const options = { schema: rows, duplicateWindowMs };
    const publish = (member: Member, n: number): Promise<unknown> =>
      member.messages.transaction((tx) => tx.publish(Log.entry, { n }), undefined, undefined);
    const first = await scene.join('log-1', options);
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
    const second = await scene.join('log-1', options);
    await publish(second, 31);
    await waitFor(() => seen.includes(31));
    assert.deepEqual(seen, upTo(31));
  });

  it('a reader can wait until it sees what was published before', async () => {
    const member: Member = await scene.join('orders-1', {
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
    const ledger = await scene.join('ledger-1');
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
    const { messages } = await scene.join('log-1');
    const before = await Promise.all(upTo(10).map((n) => messages.publish(Log.entry, { n })));
    const after = new Date(Date.now() + 5);
    await waitFor(() => Date.now() > after.getTime() + 5);
    await Promise.all([11, 12].map((n) => messages.publish(Log.entry, { n })));
    let mark = 100;
    const heard = async (group: string, from: StartPosition | undefined): Promise<number[]> => {
      const seen: number[] = [];
      const options = from === undefined ? { group } : { group, from };
      const member = await scene.join(`${group}-1`, {
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

  it('dead letters are given back to their group, and handled once', async () => {
    let isRepaired = false;
    const seen: string[] = [];
    const member = await scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, ({ n }, { message }) => {
          if (n % 2 === 0 && !isRepaired) throw platformError('not_found', 'not repaired');
          seen.push(`${n} ${message.redrives}`);
        }),
        subscribe(Log.entry, { group: 'orders', transaction: true }, ({ n }) => {
          if (!isRepaired) throw platformError('not_found', 'not repaired');
          member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    await publishAll(ledger, postings(6));
    await ledger.messages.publish(Log.entry, { n: 1 });
    await waitFor(async () => (await deadLetters()).length === 4);
    const operations = await scene.operations();
    isRepaired = true;
    assert.equal((await operations.redrive({ service: 'ledger' }, { dryRun: true })).letters, 3);
    assert.equal((await deadLetters()).length, 4);
    assert.equal((await operations.redrive({})).letters, 4);
    await waitFor(() => seen.length === 6 && rowsOf(member).length === 1);
    assert.deepEqual(seen.toSorted(), ['1 0', '2 1', '3 0', '4 1', '5 0', '6 1']);
    assert.deepEqual(await deadLetters(), []);
    await waitFor(async () => (await operations.groups()).every(({ givenBack }) => givenBack === 0));
  });

  it('what dies again after it was given back says how often, and where it came from', async () => {
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, () => {
          throw platformError('not_found', 'still broken');
        }),
      ],
    });
    const ledger = await scene.join('ledger-1');
    const { sequence } = await ledger.messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(async () => (await deadLetters()).length === 1);
    await (await scene.operations()).redrive({});
    const letter = await waitFor(async () => (await deadLetters())[0]);
    assert.deepEqual(
      [letter.redrives, letter.origin.stream, letter.origin.sequence],
      [1, `${scene.fleet}_ledger`, sequence],
    );
  });

  it('a replay lets a group handle again what it has handled, inbox or not', async () => {
    const member: Member = await scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Log.entry, { group: 'orders' }, ({ n }, scope) =>
          scope.transaction(() => void member.database.prepare('INSERT INTO rows VALUES (?)').run(n)),
        ),
      ],
    });
    const { messages } = await scene.join('log-1');
    const published = [];
    for (const n of upTo(5)) published.push(await messages.publish(Log.entry, { n }));
    await waitFor(() => rowsOf(member).length === 5);
    const operations = await scene.operations();
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

  it('a delayed message is published when it is due, once, and under its id', async () => {
    const seen: { n: number; at: number; id: string }[] = [];
    await scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, ({ n }, { message }) => {
          seen.push({ n, at: Date.now(), id: message.id });
        }),
      ],
    });
    const { messages } = await scene.join('ledger-1');
    const start = Date.now();
    const options = [
      { delay: '700ms' as const },
      { at: new Date(start + 400) },
      { at: new Date(start - 1_000) },
    ];
    const published = await Promise.all(
      options.map((option, at) => messages.publish(Ledger.posted, { account: 'a', n: at + 1 }, option)),
    );
    await waitFor(() => seen.length === 3);
    assert.deepEqual(numbers(seen), [3, 2, 1]);
    assert.ok(seen[1]!.at >= start + 400 && seen[2]!.at >= start + 700, JSON.stringify({ start, seen }));
    assert.deepEqual(
      seen.map(({ id }) => id),
      [2, 1, 0].map((at) => published[at]!.id),
    );
  });

  it('listeners hear what is said from now on, each instance or one of a group', async () => {
    const seen: string[] = [];
    const listener = (instance: string, group?: string) =>
      scene.join(instance, {
        subscriptions: [
          listen(
            Ledger.posted,
            group === undefined ? {} : { group },
            ({ n }) => void seen.push(`${instance} ${n}`),
          ),
        ],
      });
    const { messages } = await scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 0 });
    await Promise.all([
      listener('each-1'),
      listener('each-2'),
      listener('one-1', 'one'),
      listener('one-2', 'one'),
    ]);
    messages.emit(Ledger.posted, { account: 'a', n: 1 });
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 6);
    for (const n of [1, 2]) {
      assert.ok(seen.includes(`each-1 ${n}`) && seen.includes(`each-2 ${n}`));
      assert.equal(seen.filter((each) => each.startsWith('one') && each.endsWith(` ${n}`)).length, 1);
    }
    const { state } = await new JetStreamApi(await scene.connect()).streamInfo(`${scene.fleet}_ledger`);
    assert.equal(state.messages, 2, 'what is emitted is not stored');
  });

  it('an invalid payload is refused before it is sent, and named', async () => {
    const { messages } = await scene.join('ledger-1');
    const wrong = { account: 'a', n: 'one' };
    const isNamed = (error: FlotillaError): boolean =>
      error.code === 'invalid_argument' && /^n: /.test(error.message);
    await assert.rejects(messages.publish(Ledger.posted, wrong), isNamed);
    assert.throws(() => messages.emit(Ledger.posted, wrong), isNamed);
    await assert.rejects(messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'a b' }), {
      code: 'invalid_argument',
    });
    const large = { account: 'x'.repeat(2_000_000), n: 1 };
    await assert.rejects(messages.publish(Ledger.posted, large), { code: 'payload_too_large' });
  });

  it('who publishes too much at once is held back, and refused when it goes on', async () => {
    const { messages } = await scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 0 });
    const outcomes = await Promise.allSettled(
      upTo(20_000).map((n) => messages.publish(Ledger.posted, { account: `a${n}`, n })),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    assert.ok(refused.length > 0 && refused.length < 4_000, `${refused.length} refused`);
    for (const { reason } of refused) assert.equal((reason as FlotillaError).code, 'overloaded');
    const { state } = await new JetStreamApi(await scene.connect()).streamInfo(`${scene.fleet}_ledger`);
    assert.equal(state.messages, 20_001 - refused.length);
  });
}
