/**
 * A member of a fleet in a process of its own, so that it can be killed and stopped: `member-process.ts <options as JSON>`. It tells
 * its parent what it does over IPC.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { connectBroker } from '../../discovery/broker-connection.ts';
import { openDatabase } from '../../store/database.ts';
import { createLogger, silentLogger } from '../../telemetry/log.ts';
import { silentTelemetry } from '../../telemetry/telemetry.ts';
import { openMessages } from '../messages.ts';
import { Jobs, Ledger, Log } from './mailbox.ts';
import { subscribe, work } from './message-scene.ts';

export interface MemberProcessOptions {
  readonly url: string;
  readonly fleet: string;
  readonly service: string;
  readonly instance: string;
  /**
   * `follower`: applies the log in its database, once and in order. `worker`: does jobs, each once in its database. `reader`: tells of
   * each posting. `writer`: commits entries of the log, of which every tenth is undone. Those that end in `killed` die at number 3.
   */
  readonly role:
    | 'follower'
    | 'worker'
    | 'reader'
    | 'writer'
    | 'worker-killed'
    | 'reader-killed'
    | 'follower-killed';
  readonly database: string;
  /** Of a writer: the number before its first. */
  readonly after?: number;
}

export type MemberNews =
  | { readonly type: 'ready' }
  | { readonly type: 'handled'; readonly n: number; readonly partition: number }
  | { readonly type: 'committed'; readonly n: number };

const options = JSON.parse(process.argv[2]!) as MemberProcessOptions;
const { url, fleet, service, instance, role, after = 0 } = options;
const tell = (news: MemberNews): void => {
  if (process.connected) process.send!(news);
};
process.on('disconnect', () => process.exit(0));

const log = process.env.FLOTILLA_TEST_LOG
  ? createLogger({ service, instance, level: 'debug' })
  : silentLogger;
const connection = await connectBroker({ url, token: '', name: instance });
const database = openDatabase({
  path: options.database,
  migrations: [{ id: '001-test', sql: 'CREATE TABLE rows (n INTEGER NOT NULL) STRICT' }],
  onFailure: () => process.exit(1),
});
const insert = database.prepare('INSERT INTO rows VALUES (?)');
const dieAt3 = (n: number): void => {
  if (n === 3) process.kill(process.pid, 'SIGKILL');
  tell({ type: 'handled', n, partition: 0 });
};

const subscriptions = {
  follower: () => [
    subscribe(Log.entry, { group: service, transaction: true }, ({ n }, { message }) => {
      insert.run(n);
      database.afterCommit(() => tell({ type: 'handled', n, partition: message.partition }));
    }),
  ],
  worker: () => [
    work(Jobs.render, { group: service }, async ({ n }, scope) => {
      await delay(1);
      await scope.transaction(() => void insert.run(n));
      tell({ type: 'handled', n, partition: scope.message.partition });
    }),
  ],
  reader: () => [
    subscribe(Ledger.posted, { group: service }, async ({ n }, { message }) => {
      await delay(1);
      tell({ type: 'handled', n, partition: message.partition });
    }),
  ],
  'worker-killed': () => [work(Jobs.render, { group: service }, ({ n }) => dieAt3(n))],
  'reader-killed': () => [subscribe(Ledger.posted, { group: service }, ({ n }) => dieAt3(n))],
  'follower-killed': () => [
    subscribe(Log.entry, { group: service, transaction: true }, ({ n }) => dieAt3(n)),
  ],
  writer: () => [],
}[role]();

const messages = await openMessages({
  ...{ connection, fleet, service, instance, database: role.startsWith('reader') ? undefined : database },
  ...{ telemetry: { ...silentTelemetry(), log }, memberTtlMs: 1_000, ackWaitMs: 1_000 },
  subscriptions: subscriptions.map(({ of }) => of),
});
await messages.start(
  (scope) => scope,
  (scope) => scope,
);
tell({ type: 'ready' });

if (role === 'writer') {
  for (let n = after + 1; ; n++) {
    const isUndone = n % 10 === 0;
    const write = messages.transaction(
      (tx) => {
        insert.run(n);
        tx.publish(Log.entry, { n });
        if (isUndone) throw new RangeError('undone');
      },
      undefined,
      undefined,
    );
    // Many at a time, as the handlers of a service would.
    if (isUndone) await write.catch(() => {});
    else
      write.then(
        () => tell({ type: 'committed', n }),
        () => process.exit(1),
      );
  }
}
