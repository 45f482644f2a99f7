/** Flotilla as it runs in production: a hosted service, found through the broker, called by a typed client. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startBroker } from '@flotilla/broker';
import {
  contract,
  deriveToken,
  joinFleet,
  operation,
  service,
  silentTelemetry,
  startService,
  type Telemetry,
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { z } from 'zod';
import type { Connected, Contender } from './contender.ts';
import { mutedTelemetry } from './muted-telemetry.ts';

const Ping = z.object({ account: z.string().min(1), amount: z.string().regex(/^\d+$/), n: z.int() });

const Bench = contract('bench', {
  ping: operation({ input: Ping, output: Ping, idempotent: true }),
});

const bench = service(Bench, {
  operations: {
    ping: (input) => ({ ...input, n: input.n + 1 }),
  },
});

const secret = 'only-for-this-benchmark';

function contender(name: string, features: string, telemetry: () => Telemetry): Contender {
  return {
    name,
    features,
    async serve() {
      const broker = await startBroker({ port: 0, credentials: [{ token: deriveToken(secret, 'broker') }] });
      const dataDirectory = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
      const running = await startService(bench, {
        instance: 'bench-1',
        fleet: 'bench',
        secret,
        natsUrl: broker.url,
        dataDirectory,
        environment: {},
        telemetry: telemetry(),
        onFatal: (error) => {
          throw error;
        },
      });
      return {
        address: broker.url,
        async close() {
          await running.stop(1_000);
          await broker.close();
          rmSync(dataDirectory, { recursive: true });
        },
      };
    },
    async connect(address): Promise<Connected> {
      const member = await joinFleet({
        service: 'driver',
        instance: 'driver-1',
        fleet: 'bench',
        secret,
        natsUrl: address,
        telemetry: telemetry(),
      });
      const client = member.client(Bench);
      await waitFor(() => client.ping({ account: 'a', amount: '1', n: 1 }), {
        what: 'the service to be found',
      });
      return { call: (input) => client.ping(input), close: () => member.leave() };
    },
  };
}

const features =
  'discovery, authenticated connection, validation of input and output, deadline, balancing, ejection, breaker, bulkhead, retries, admission';

export const flotilla = contender('Flotilla', `${features}, spans, metrics`, silentTelemetry);

export const flotillaMuted = contender('Flotilla, telemetry muted', features, mutedTelemetry);
