/**
 * One suite of cases, run on both engines with the official clients. The cases of a file share an engine of each kind
 * and run at the same time, so each keeps to streams and subjects of its own; what they wait for most is the servers'
 * clocks.
 */
import { after, describe, test } from 'node:test';
import { type JetStreamClient, type JetStreamManager, jetstream, jetstreamManager } from '@nats-io/jetstream';
import type { ConnectionOptions, NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type Engine, requireNatsServer, type StartEngine, startOurs, startReal } from '../engine.ts';

export interface Bench {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly jsm: JetStreamManager;
  /** What nobody else uses: the name of a stream, the first token of its subjects, a bucket. */
  readonly name: string;
  /** One more connection, closed after the case. */
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
  /** A request to `$JS.API.<verb>`, and its whole answer, errors included. */
  api(verb: string, request?: unknown): Promise<ApiAnswer>;
}

export interface ApiAnswer {
  readonly type?: string;
  readonly error?: { readonly code: number; readonly err_code: number; readonly description: string };
  readonly [field: string]: unknown;
}

export interface Case {
  readonly name: string;
  run(bench: Bench): Promise<void>;
}

const together = 6;

export function suite(title: string, cases: readonly Case[]): void {
  run(`${title}, on the broker`, cases, () => Promise.resolve(startOurs));
  run(`${title}, on nats-server`, cases, async (t) => {
    const executable = await requireNatsServer(t);
    return executable === undefined ? undefined : startReal(executable);
  });
}

type Starter = (t: Parameters<typeof requireNatsServer>[0]) => Promise<StartEngine | undefined>;

function run(title: string, cases: readonly Case[], starter: Starter): void {
  describe(title, { concurrency: together }, () => {
    let engine: Promise<Engine> | undefined;
    after(async () => (await engine)?.stop());
    for (const [index, one] of cases.entries()) {
      test(one.name, { timeout: 60_000 }, async (t) => {
        const start = await starter(t);
        if (start === undefined) return;
        engine ??= start({ jetstream: true });
        const { port } = await engine;
        const connections: NatsConnection[] = [];
        t.after(() => Promise.all(connections.map((connection) => connection.close())));
        const open = async (options: ConnectionOptions = {}) => {
          const connection = await connect({ servers: `127.0.0.1:${port}`, ...options });
          connections.push(connection);
          return connection;
        };
        await one.run(await bench(`case${index}`, open));
      });
    }
  });
}

async function bench(name: string, open: Bench['connect']): Promise<Bench> {
  const nc = await open();
  return {
    nc,
    js: jetstream(nc),
    jsm: await jetstreamManager(nc),
    name,
    connect: open,
    async api(verb, request) {
      const body = request === undefined ? '' : JSON.stringify(request);
      return (await nc.request(`$JS.API.${verb}`, body, { timeout: 10_000 })).json<ApiAnswer>();
    },
  };
}
