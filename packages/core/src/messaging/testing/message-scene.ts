/**
 * Members of a fleet that send and hear messages, in one process and on a real broker, for the cases that hold on every engine. A
 * member has its own connection, may have a database, and can drain, be killed and come back.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NatsConnection } from '@nats-io/nats-core';
import { connectBroker } from '../../discovery/broker-connection.ts';
import { type Database, openDatabase } from '../../store/database.ts';
import { createLogger, type Logger, silentLogger } from '../../telemetry/log.ts';
import { silentTelemetry, type Telemetry } from '../../telemetry/telemetry.ts';
import type { AttemptScope } from '../handling/attempt.ts';
import type { TransactionScope } from '../handling/transaction-attempt.ts';
import { type Messages, openMessages } from '../messages.ts';
import { MessageOperations } from '../operators/message-operations.ts';
import { makeSubscriber, type Subscription } from '../subscription.ts';
import type { TestBroker } from './nats-server.ts';

/** What handlers get here: the scope itself. */
export const { subscribe, work, listen } = makeSubscriber<AttemptScope, TransactionScope>();

export interface MemberOptions {
  /** Default: the part of the instance's name before the last hyphen. */
  readonly service?: string;
  readonly subscriptions?: readonly Subscription<AttemptScope, TransactionScope>[];
  /** For how long its streams recognise a repeated id; default as usual. */
  readonly duplicateWindowMs?: number;
  /** Statements of the schema of its database; absent: it has none. */
  readonly schema?: string;
}

export interface Member {
  readonly instance: string;
  readonly messages: Messages;
  readonly telemetry: Telemetry;
  readonly connection: NatsConnection;
  readonly database: Database;
  drain(): Promise<void>;
  kill(): Promise<void>;
}

const ttlMs = 1_000;
const ackWaitMs = 1_500;
let scenes = 0;

export class MessageScene {
  readonly broker: Pick<TestBroker, 'url'>;
  /** A name of its own, so that scenes on one broker do not meet. */
  readonly fleet = `scene-${process.pid}-${++scenes}`;
  readonly #folder = mkdtempSync(join(tmpdir(), 'flotilla-messages-'));
  readonly #live = new Set<Member>();
  readonly #connections: NatsConnection[] = [];
  readonly log: Logger;

  /** @param log what the members say. Default: nothing, or everything with `FLOTILLA_TEST_LOG`. */
  constructor(broker: Pick<TestBroker, 'url'>, log?: Logger) {
    this.broker = broker;
    const fallback = process.env.FLOTILLA_TEST_LOG
      ? createLogger({ service: 'scene', instance: 'scene', level: 'debug' })
      : silentLogger;
    this.log = log ?? fallback;
  }

  async join(instance: string, options: MemberOptions = {}): Promise<Member> {
    const service = options.service ?? instance.slice(0, instance.lastIndexOf('-'));
    const connection = await this.connect(instance);
    const telemetry = { ...silentTelemetry(), log: this.log.child({ member: instance }) };
    const database = options.schema === undefined ? undefined : this.#open(service, options.schema);
    const messages = await openMessages({
      ...{ connection, fleet: this.fleet, service, instance, telemetry, database },
      ...{ memberTtlMs: ttlMs, ackWaitMs },
      ...(options.duplicateWindowMs === undefined ? {} : { duplicateWindowMs: options.duplicateWindowMs }),
      subscriptions: (options.subscriptions ?? []).map(({ of }) => of),
    });
    await messages.start(
      (scope) => scope,
      (scope) => scope,
    );
    const member: Member = {
      ...{ instance, messages, telemetry, connection },
      get database() {
        return database!;
      },
      drain: async () => {
        this.#live.delete(member);
        await messages.drain(2_000);
        await messages.close(2_000);
        database?.close();
        await connection.close();
      },
      kill: async () => {
        this.#live.delete(member);
        messages.kill();
        database?.close();
        await connection.close();
      },
    };
    this.#live.add(member);
    return member;
  }

  /** A connection of a tool. */
  async connect(name = 'tool'): Promise<NatsConnection> {
    const connection = await connectBroker({ url: this.broker.url, token: '', name });
    this.#connections.push(connection);
    return connection;
  }

  async operations(): Promise<MessageOperations> {
    return new MessageOperations(await this.connect(), this.fleet);
  }

  async close(): Promise<void> {
    for (const member of this.#live) await member.kill();
    for (const connection of this.#connections) await connection.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** All members of a service share its file, as processes of one host would. */
  #open(service: string, schema: string): Database {
    return openDatabase({
      path: join(this.#folder, `${service}.sqlite`),
      migrations: [{ id: '001-test', sql: schema }],
      onFailure: (error) => this.log.error('the database failed', { error }),
    });
  }
}
