/** The embedded broker in this process, without a fleet. */

import { type Broker, startBroker } from '@flotilla/broker';
import { isBrokerError, storeFailure } from '../backup/store-failure.ts';
import type { MetricsServer } from '../streams/metrics-server.ts';
import { checkPorts } from '../supervisor/ports.ts';

export interface BrokerRun {
  readonly port: number;
  readonly host: string;
  /** Undefined: no authentication. */
  readonly token: string | undefined;
  /** Directory in which streams are kept. Undefined: streams live in memory only. */
  readonly data: string | undefined;
  /** Where `/metrics` is served. Undefined: nowhere. */
  readonly metricsPort: number | undefined;
}

/**
 * Resolves when it was stopped by a signal. SIGUSR2 is nats-server's lame duck: clients are told to go elsewhere, and the
 * broker ends when they have, or after two minutes.
 *
 * @throws Failure `store_failed` when the store could not write: nothing of what it was writing has been acknowledged.
 */
export async function runBroker(
  { port, host, token, data, metricsPort }: BrokerRun,
  ready: (url: string, metricsUrl: string | undefined) => void,
): Promise<void> {
  await checkPorts([
    { use: 'broker', host, port, variable: '--port' },
    ...(metricsPort === undefined
      ? []
      : [{ use: 'metrics', host, port: metricsPort, variable: '--metrics-port' }]),
  ]);
  const credentials = token === undefined ? [] : [{ token }];
  const { promise: ended, resolve: end, reject: fail } = Promise.withResolvers<void>();
  const broker = await startBroker({
    host,
    port,
    credentials,
    noAuth: token === undefined,
    ...(data !== undefined && { data }),
    onFatal: (error) => fail(storeFailure(error, 'store_failed')),
  }).catch((error: unknown) => {
    throw isBrokerError(error) ? storeFailure(error, 'start_failed') : error;
  });
  const metrics =
    metricsPort === undefined
      ? undefined
      : await serveMetrics(broker, { host, port: metricsPort, token }).catch(async (error: unknown) => {
          await broker.close();
          throw error;
        });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end());
  process.on('SIGUSR2', () => void broker.lameDuck().then(end));
  // Only now: who reads that it is ready may stop it at once.
  ready(broker.url, metrics?.url);
  try {
    await ended;
  } finally {
    await metrics?.close();
    await broker.close();
  }
}

/** Loaded only where it is asked for. */
async function serveMetrics(
  broker: Broker,
  place: Pick<BrokerRun, 'host' | 'port' | 'token'>,
): Promise<MetricsServer> {
  const { processMetrics } = await import('flotilla');
  const { brokerMetrics } = await import('../streams/broker-metrics.ts');
  const { startMetricsServer } = await import('../streams/metrics-server.ts');
  const metrics = brokerMetrics(broker);
  const server = await startMetricsServer({ ...place, metrics });
  const stopMeasuring = processMetrics(metrics);
  return {
    url: server.url,
    async close() {
      stopMeasuring();
      await server.close();
    },
  };
}
