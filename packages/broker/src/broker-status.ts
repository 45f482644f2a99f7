/**
 * What a broker tells operators: the answer to a request on `$FLOTILLA.BROKER.STATUS`, as JSON. Whoever may connect
 * may ask.
 */
import { readFileSync } from 'node:fs';
import type { StoreStatus } from './jetstream/store-status.ts';
import { LocalClient } from './routing/local-client.ts';
import type { Router } from './routing/router.ts';

export const STATUS_SUBJECT = '$FLOTILLA.BROKER.STATUS';

export interface BrokerStatus {
  /** Of this package; the version in INFO is that of the nats-server whose behaviour the broker has. */
  readonly version: string;
  readonly uptimeMs: number;
  readonly connections: number;
  readonly subscriptions: number;
  /** Messages and bytes that clients have published since the start. */
  readonly inMessages: number;
  readonly inBytes: number;
  /** Messages and bytes that have been delivered to clients. */
  readonly outMessages: number;
  readonly outBytes: number;
  readonly slowConsumers: number;
  readonly streams: number;
  readonly consumers: number;
  /** Messages that are stored, in memory or on disk, and the bytes that they count for in limits. */
  readonly messages: number;
  readonly bytes: number;
  /** Null when the broker was started without a data directory. */
  readonly store: StoreStatus | null;
}

export function brokerVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : '0.0.0';
}

/** Begins to answer. */
export function answerStatus(
  router: Router,
  status: () => BrokerStatus,
  failed: (error: unknown, subject: string) => void,
): void {
  const client = new LocalClient(router, failed);
  client.subscribe(STATUS_SUBJECT, (_subject, reply) => {
    if (reply !== '') client.publish(reply, Buffer.from(JSON.stringify(status())));
  });
}
