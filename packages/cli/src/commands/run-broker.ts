/** The embedded broker in this process, without a fleet. */

import { startBroker } from '@flotilla/broker';
import { isBrokerError, storeFailure } from '../backup/store-failure.ts';
import { Failure } from '../failure.ts';
import { portProblem } from '../supervisor/ports.ts';

export interface BrokerRun {
  readonly port: number;
  readonly host: string;
  /** Undefined: no authentication. */
  readonly token: string | undefined;
  /** Directory in which streams are kept. Undefined: streams live in memory only. */
  readonly data: string | undefined;
}

/**
 * Resolves when it was stopped by a signal. SIGUSR2 is nats-server's lame duck: clients are told to go elsewhere, and the
 * broker ends when they have, or after two minutes.
 *
 * @throws Failure `store_failed` when the store could not write: nothing of what it was writing has been acknowledged.
 */
export async function runBroker(
  { port, host, token, data }: BrokerRun,
  ready: (url: string) => void,
): Promise<void> {
  const taken = await portProblem({ use: 'broker', host, port, variable: '--port' });
  if (taken !== undefined) throw new Failure('port_taken', taken.message, { repair: taken.repair });
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
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end());
  process.on('SIGUSR2', () => void broker.lameDuck().then(end));
  // Only now: who reads that it is ready may stop it at once.
  ready(broker.url);
  try {
    await ended;
  } finally {
    await broker.close();
  }
}
