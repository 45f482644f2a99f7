/** What messages promise when brokers and processes die: the same cases on every engine, with real processes that are killed. */
import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, afterEach, before, beforeEach, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { waitFor } from '../../testing/wait-for.ts';
import type { DeadLetter } from '../operators/dead-letter.ts';
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
import type { MemberNews, MemberProcessOptions } from './member-process.ts';
import { type Member, MessageScene, subscribe, work } from './message-scene.ts';
import { rows } from './message-stage.ts';
import type { TestBroker } from './nats-server.ts';

const program = fileURLToPath(new URL('./member-process.ts', import.meta.url));

interface MemberProcess {
  readonly child: ChildProcess;
  readonly handled: { readonly n: number; readonly partition: number }[];
  readonly committed: number[];
  end(signal: 'SIGKILL'): Promise<void>;
}

export function crashCases(startBroker: () => Promise<TestBroker>): void {
  let broker: TestBroker;
  let scene: MessageScene;
  let folder: string;
  const children = new Set<ChildProcess>();

  before(async () => {
    broker = await startBroker();
  });
  after(() => broker.stop());
  beforeEach(() => {
    scene = new MessageScene(broker);
    folder = mkdtempSync(join(tmpdir(), 'flotilla-crash-'));
  });
  afterEach(async () => {
    for (const child of children) child.kill('SIGKILL');
    children.clear();
    await scene.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const fileOf = (service: string): string => join(folder, `${service}.sqlite`);

  async function spawn(
    instance: string,
    role: MemberProcessOptions['role'],
    more: Partial<MemberProcessOptions> = {},
  ): Promise<MemberProcess> {
    const service = instance.slice(0, instance.lastIndexOf('-'));
    const options: MemberProcessOptions = {
      ...{ url: broker.url, fleet: scene.fleet, service, instance, role, database: fileOf(service) },
      ...more,
    };
    const child = fork(program, [JSON.stringify(options)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.add(child);
    const handled: { n: number; partition: number }[] = [];
    const committed: number[] = [];
    const ready = new Promise<void>((resolve, reject) => {
      child.once('exit', (code, signal) => reject(new Error(`${instance} ended with ${code ?? signal}`)));
      child.on('message', (news: MemberNews) => {
        if (news.type === 'ready') resolve();
        else if (news.type === 'handled') handled.push(news);
        else committed.push(news.n);
      });
    });
    await ready;
    return {
      child,
      handled,
      committed,
      async end(signal) {
        children.delete(child);
        const exited = once(child, 'exit');
        child.kill(signal);
        await exited;
      },
    };
  }

  function rowsIn(service: string): number[] {
    const database = new DatabaseSync(fileOf(service), { readOnly: true });
    try {
      return database
        .prepare('SELECT n FROM rows ORDER BY rowid')
        .all()
        .map(({ n }) => Number(n));
    } finally {
      database.close();
    }
  }

  it('ten thousand messages arrive while the broker is restarted in the middle of them', async () => {
    const inOrder: Posting[] = [];
    const follower: Member = await scene.join('follower-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'follower', transaction: true }, ({ n }) => {
          follower.database.prepare('INSERT INTO rows VALUES (?)').run(n);
        }),
      ],
    });
    await scene.join('reader-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'reader' }, (posting) => void inOrder.push(posting))],
    });
    const worker: Member = await scene.join('worker-1', {
      schema: rows,
      subscriptions: [
        work(Ledger.posted, { group: 'worker', concurrency: 64 }, ({ n }, scope) =>
          scope.transaction(() => void worker.database.prepare('INSERT INTO rows VALUES (?)').run(n)),
        ),
      ],
    });
    const ledger = await scene.join('ledger-1');
    const all = postings(10_000, 64);
    let sent = 0;
    const publish = async (): Promise<void> => {
      for (let posting = all[sent++]; posting; posting = all[sent++]) {
        await ledger.messages.publish(Ledger.posted, posting, {
          deadlineMs: 60_000,
          id: `posting-${posting.n}`,
        });
      }
    };
    const publishing = Promise.all(Array.from({ length: 64 }, publish));
    for (const at of [3_000, 6_000]) {
      await waitFor(() => sent > at, { timeoutMs: 60_000 });
      await broker.end();
      await broker.start();
    }
    await publishing;
    const count = ({ database }: Member): number =>
      Number(database.prepare('SELECT count(*) AS n FROM rows').get()?.n);
    const distinct = ({ database }: Member): number =>
      Number(database.prepare('SELECT count(DISTINCT n) AS n FROM rows').get()?.n);
    await waitFor(() => distinct(follower) === 10_000 && distinct(worker) === 10_000, { timeoutMs: 60_000 });
    await waitFor(() => new Set(numbers(inOrder)).size === 10_000, { timeoutMs: 60_000 });
    assert.equal(count(follower), 10_000, 'none twice in the transaction of the checkpoint');
    assert.equal(count(worker), 10_000, 'none twice with the inbox');
  });

  it('the order of each key is that of its publisher across a restart of the broker', async () => {
    const seen: Posting[] = [];
    await scene.join('reader-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'reader' }, (posting) => void seen.push(posting))],
    });
    const ledger = await scene.join('ledger-1');
    const publishing = (async () => {
      for (const posting of postings(1_500))
        await ledger.messages.publish(Ledger.posted, posting, { deadlineMs: 60_000 });
    })();
    await waitFor(() => seen.length > 300, { timeoutMs: 30_000 });
    await broker.end();
    await broker.start();
    await publishing;
    await waitFor(() => new Set(numbers(seen)).size === 1_500, { timeoutMs: 30_000 });
    assert.ok(inOrderOfKeys(firstOf(seen)));
  });

  it('without a broker a publish waits until its deadline, and fails loudly; a transaction commits, and is sent later', async () => {
    const seen: number[] = [];
    const log = await scene.join('log-1', { schema: rows });
    await scene.join('reader-1', {
      subscriptions: [subscribe(Log.entry, { group: 'reader' }, ({ n }) => void seen.push(n))],
    });
    await log.messages.publish(Log.entry, { n: 1 });
    await broker.end();
    await waitFor(() =>
      log.messages.publish(Log.entry, { n: 0 }, { deadlineMs: 50 }).then(
        () => false,
        ({ code }) => code === 'unavailable',
      ),
    );
    const startedAt = performance.now();
    await assert.rejects(log.messages.publish(Log.entry, { n: 2 }, { deadlineMs: 300 }), {
      code: 'unavailable',
      message: /the broker is away/,
      data: { executed: 'no' },
    });
    assert.ok(performance.now() - startedAt >= 290, 'it waited');
    const patient = log.messages.publish(Log.entry, { n: 3 }, { deadlineMs: 30_000 });
    await log.messages.transaction((tx) => tx.publish(Log.entry, { n: 4 }), undefined, undefined);
    await broker.start();
    assert.equal((await patient).duplicate, false);
    await waitFor(() => seen.includes(3) && seen.includes(4));
    assert.ok(!seen.includes(2));
  });

  it('an outbox sends in order and once what was on its way when the broker went away for long', async () => {
    const seen: number[] = [];
    const windowMs = 300;
    const each = 3_000;
    await scene.join('reader-1', {
      duplicateWindowMs: windowMs,
      subscriptions: [subscribe(Log.entry, { group: 'reader' }, ({ n }) => void seen.push(n))],
    });
    const log = await scene.join('log-1', { schema: rows, duplicateWindowMs: windowMs });
    const write = (n: number): Promise<unknown> =>
      log.messages.transaction((tx) => tx.publish(Log.entry, { n }), undefined, undefined);
    for (const round of [0, 1, 2]) {
      const writes = Promise.all(upTo(each).map((n) => write(round * each + n)));
      await waitFor(() => seen.length > round * each);
      await broker.end();
      const goneAt = Date.now();
      await writes;
      await waitFor(() => Date.now() > goneAt + 2 * windowMs, { what: 'the window to pass' });
      await broker.start();
      await waitFor(() => new Set(seen).size === (round + 1) * each, { timeoutMs: 20_000 });
    }
    assert.deepEqual([...new Set(seen)], upTo(3 * each));
    const stored = await waitFor(() => log.messages.streamEnd(Log.entry));
    assert.equal(stored.sequence, 3 * each, 'the stream has each once');
  });

  it('what was committed while the broker was away is sent by the next process, when this one is gone', async () => {
    const seen: number[] = [];
    const log = await scene.join('log-1', { schema: rows });
    await broker.end();
    await log.messages.transaction((tx) => tx.publish(Log.entry, { n: 1 }), undefined, undefined);
    await log.kill();
    await broker.start();
    await scene.join('log-1', { schema: rows });
    await scene.join('reader-1', {
      subscriptions: [subscribe(Log.entry, { group: 'reader' }, ({ n }) => void seen.push(n))],
    });
    await waitFor(() => seen.length === 1);
  });

  it('a follower that is killed again and again applies every entry once and in order', async () => {
    const log = await scene.join('log-1');
    const publishing = Promise.all(
      upTo(3_000).map((n) => log.messages.publish(Log.entry, { n }, { deadlineMs: 60_000 })),
    );
    for (let round = 0; round < 5; round++) {
      const follower = await spawn('follower-1', 'follower');
      await waitFor(() => follower.handled.length > 50 || rowsIn('follower').length === 3_000);
      await follower.end('SIGKILL');
    }
    await publishing;
    await spawn('follower-1', 'follower');
    await waitFor(() => rowsIn('follower').length >= 3_000, { timeoutMs: 30_000 });
    assert.deepEqual(rowsIn('follower'), upTo(3_000));
  });

  it('workers that are killed in their handlers do every job once, and leave none undone', async () => {
    const jobs = await scene.join('jobs-1');
    await Promise.all(upTo(600).map((n) => jobs.messages.publish(Jobs.render, { n })));
    for (let round = 0; round < 4; round++) {
      const worker = await spawn('worker-1', 'worker');
      await waitFor(() => worker.handled.length > 30 || rowsIn('worker').length === 600);
      await worker.end('SIGKILL');
    }
    await spawn('worker-1', 'worker');
    await waitFor(() => rowsIn('worker').length >= 600, { timeoutMs: 30_000 });
    assert.deepEqual(
      rowsIn('worker').toSorted((a, b) => a - b),
      upTo(600),
    );
  });

  it('what a writer committed before it was killed is delivered, in order, and nothing that it undid', async () => {
    const seen: number[] = [];
    await scene.join('reader-1', {
      subscriptions: [subscribe(Log.entry, { group: 'reader' }, ({ n }) => void seen.push(n))],
    });
    const committed: number[] = [];
    for (let round = 0; round < 5; round++) {
      const writer = await spawn('writer-1', 'writer', { after: round * 100_000 });
      await waitFor(() => writer.committed.length > 100);
      await writer.end('SIGKILL');
      committed.push(...writer.committed);
    }
    const last = await spawn('writer-1', 'writer', { after: 900_000 });
    await waitFor(() => seen.some((n) => n > 900_000));
    await last.end('SIGKILL');
    const stored = new Set(rowsIn('writer'));
    for (const n of committed) assert.ok(stored.has(n), `${n} was committed`);
    const expected = rowsIn('writer').filter((n) => n < 900_000);
    const delivered = seen.filter((n) => n < 900_000);
    assert.deepEqual(delivered, expected, 'what is in the rows, in the order of the commits, once');
    assert.ok(!delivered.some((n) => n % 10 === 0));
  });

  it('a member that stood still while others took over is refused what it still writes', async () => {
    const [first, second] = await Promise.all([spawn('reader-1', 'reader'), spawn('reader-2', 'reader')]);
    const ledger = await scene.join('ledger-1');
    const all = postings(1_200, 64);
    const operations = await scene.operations();
    const owners = async (): Promise<(string | undefined)[]> =>
      (await operations.groups())[0]?.partitions.map(({ owner }) => owner) ?? [];
    await waitFor(async () => new Set(await owners()).size === 2);
    const publishing = (async () => {
      for (const posting of all) await ledger.messages.publish(Ledger.posted, posting);
    })();
    await waitFor(() => first.handled.length > 50 && second.handled.length > 50);
    first.child.kill('SIGSTOP');
    await waitFor(async () => (await owners()).every((owner) => owner === 'reader-2'));
    const before = (await operations.groups())[0]!.partitions;
    first.child.kill('SIGCONT');
    await publishing;
    await waitFor(() => new Set([...first.handled, ...second.handled].map(({ n }) => n)).size === 1_200, {
      timeoutMs: 20_000,
    });
    await waitFor(async () => new Set(await owners()).size === 2, { what: 'the shares to be even again' });
    const afterwards = (await operations.groups())[0]!.partitions;
    for (const [partition, { checkpoint, epoch }] of afterwards.entries()) {
      assert.ok(checkpoint >= before[partition]!.checkpoint, 'no checkpoint went back');
      assert.ok(epoch >= before[partition]!.epoch);
    }
    const ofSecond = second.handled.map(({ n }) => n);
    assert.equal(new Set(ofSecond).size, ofSecond.length, 'who went on handled nothing twice');
  });

  for (const [kind, service, publish] of killers) {
    it(`a message that kills every process that handles it becomes a dead letter: ${kind}`, async () => {
      const publisher = await scene.join(`${service}-1`);
      for (const n of upTo(5)) await publish(publisher, n);
      const letters = async (): Promise<DeadLetter[]> => {
        const found: DeadLetter[] = [];
        for await (const letter of (await scene.operations()).deadLetters()) found.push(letter);
        return found;
      };
      const handled = new Set<number>();
      await waitFor(
        async () => {
          const member = await spawn(`victim-1`, `${kind}-killed`);
          const died = once(member.child, 'exit').then(() => true);
          const isConvicted = waitFor(async () => (await letters()).length > 0).then(() => false);
          const isDead = await Promise.race([died, isConvicted]);
          if (!isDead) await waitFor(() => member.handled.some(({ n }) => n === 5) || handled.has(5));
          for (const { n } of member.handled) handled.add(n);
          return !isDead;
        },
        { timeoutMs: 60_000 },
      );
      const [letter, ...others] = await letters();
      assert.deepEqual(others, [], 'only the guilty one');
      assert.equal(letter?.reason, 'crashed');
      assert.equal((JSON.parse(Buffer.from(letter.payload).toString()) as { n: number }).n, 3);
      await waitFor(() => [1, 2, 4, 5].every((n) => handled.has(n)));
    });
  }
}

const killers: readonly (readonly [
  kind: 'worker' | 'reader' | 'follower',
  service: string,
  publish: (member: Member, n: number) => Promise<unknown>,
])[] = [
  ['worker', 'jobs', ({ messages }, n) => messages.publish(Jobs.render, { n })],
  ['reader', 'ledger', ({ messages }, n) => messages.publish(Ledger.posted, { account: 'a', n })],
  ['follower', 'log', ({ messages }, n) => messages.publish(Log.entry, { n })],
];
