/**
 * Messages as services have them: a service that publishes and one that subscribes, with contracts, validation, spans, metrics and
 * an order per key.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  contract,
  createTelemetry,
  event,
  type Service,
  type ServiceRuntime,
  service,
  silentLogger,
  startService,
  subscribe,
} from 'flotilla';
import { z } from 'zod';
import type { BrokerClient } from './contender.ts';

const Bench = contract('bench', {
  happened: event({
    payload: z.object({ account: z.string(), sentUs: z.number(), text: z.string() }),
    key: 'account',
  }),
});
const accounts = 64;
const text = ' '.repeat(72);

type Runtime = ServiceRuntime<unknown, Record<never, never>>;

export async function connectFlotilla(url: string): Promise<BrokerClient> {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-bench-messages-'));
  const closing: (() => Promise<void>)[] = [];
  const host = async (name: string, made: Service): Promise<void> => {
    const instance = `${name}-${process.pid}`;
    const telemetry = createTelemetry({ service: name, instance, environment: {}, log: silentLogger });
    const running = await startService(made, {
      instance,
      fleet: 'bench',
      secret: 'only-on-loopback',
      natsUrl: url,
      dataDirectory: folder,
      environment: {},
      telemetry,
      onFatal(error) {
        throw error;
      },
    });
    closing.push(async () => {
      await running.stop(1_000);
      await telemetry.close();
    });
  };
  let runtime: Runtime | undefined;
  await host(
    'bench',
    service(Bench, {
      start(own) {
        runtime = own;
      },
      operations: {},
    }),
  );
  let count = 0;
  return {
    publish(sentUs) {
      return runtime!.publish(Bench.happened, { account: `account-${count++ % accounts}`, sentUs, text });
    },
    async consume({ name }, handle) {
      const Handler = contract(name, {});
      const subscription = subscribe(Bench.happened, { group: name }, ({ sentUs }) => handle(sentUs));
      await host(name, service(Handler, { subscriptions: [subscription], operations: {} }));
    },
    async close() {
      for (const close of closing) await close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
