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
} from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { z } from 'zod';
import type { Connected, Contender } from './contender.ts';

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

export const flotilla: Contender = {
  name: 'Flotilla',
  features: 'discovery, authenticated connection, validation of input and output, deadline, metrics',
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
      telemetry: silentTelemetry(),
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
    });
    const client = member.client(Bench);
    await waitFor(() => client.ping({ account: 'a', amount: '1', n: 1 }), {
      what: 'the service to be found',
    });
    return { call: (input) => client.ping(input), close: () => member.leave() };
  },
};
