/**
 * A consumer that handles every message once: its inbox, its effect and nothing else are one transaction in a database
 * of its own. In a process of its own, to be killed in the middle of it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AckPolicy, jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { waitFor } from 'flotilla/testing';

export const durable = 'inbox';

export class InboxConsumer {
  readonly #database: string;
  readonly #servers: string;
  readonly #stream: string;
  #child: ChildProcess | undefined;

  /** @param folder for its database. */
  constructor(servers: string, stream: string, folder: string) {
    this.#servers = servers;
    this.#stream = stream;
    this.#database = join(folder, 'inbox.sqlite');
  }

  /** Makes the consumer at the broker. */
  async prepare(nc: NatsConnection): Promise<void> {
    const jsm = await jetstreamManager(nc, { checkAPI: false });
    await jsm.consumers.add(this.#stream, {
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      ack_wait: 1_000_000_000,
      max_ack_pending: 2_000,
    });
  }

  start(): void {
    const program = join(import.meta.dirname, 'inbox-program.ts');
    this.#child = fork(program, [this.#servers, this.#stream, this.#database]);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined) return;
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await exited;
  }

  /** Waits until nothing is left to be handled, and gives how often each number had its effect. */
  async effects(): Promise<Map<number, number>> {
    const nc = await connect({ servers: this.#servers });
    try {
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      await waitFor(
        async () => {
          const { num_pending, num_ack_pending } = await jsm.consumers.info(this.#stream, durable);
          return num_pending + num_ack_pending === 0;
        },
        { timeoutMs: 120_000, what: 'the consumer to handle everything' },
      );
    } finally {
      await nc.close();
    }
    await this.kill();
    if (!existsSync(this.#database)) return new Map();
    const database = new DatabaseSync(this.#database);
    const rows = database.prepare('SELECT number, count(*) AS times FROM effects GROUP BY number').all();
    database.close();
    return new Map(rows.map(({ number, times }) => [Number(number), Number(times)]));
  }
}
