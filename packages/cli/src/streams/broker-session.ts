/** The fleet's broker for the time of one command: connected with its credentials, whichever NATS server it is. */

import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { connectBroker, Topology } from 'flotilla/operators';
import { deriveToken } from 'flotilla/secret';
import { connectControl } from '../control/client.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { brokerFailure } from './broker-failure.ts';

export interface BrokerSession {
  readonly fleet: string;
  /** Without credentials. */
  readonly url: string;
  readonly nats: NatsConnection;
  readonly topology: Topology;
}

export interface StreamSession extends BrokerSession {
  readonly jsm: JetStreamManager;
}

const CONNECT_MS = 2_000;
/** A server counts what it is asked about, which takes longer on a large stream. */
const ANSWER_MS = 10_000;

/**
 * @throws Failure `not_running` when no fleet runs or its broker cannot be reached, `broker_failed` and `not_found` for what the
 *   broker answered to `use`.
 */
export async function withBroker<T>(
  found: FoundFleet,
  use: (session: BrokerSession) => Promise<T>,
): Promise<T> {
  const { record, secret, natsUrl } = connectControl(found);
  const token = deriveToken(secret, 'broker');
  const url = withoutCredentials(natsUrl);
  let nats: NatsConnection | undefined;
  try {
    const name = `flotilla-cli-${process.pid}`;
    nats = await connectBroker({ url: natsUrl, token, name, connectTimeoutMs: CONNECT_MS });
    return await use({ fleet: record.name, url, nats, topology: new Topology(record.name) });
  } catch (error) {
    throw brokerFailure(error, url);
  } finally {
    await nats?.close();
  }
}

/** For commands about what the broker stores. */
export function withStreams<T>(found: FoundFleet, use: (session: StreamSession) => Promise<T>): Promise<T> {
  return withBroker(found, async (session) =>
    use({ ...session, jsm: await jetstreamManager(session.nats, { timeout: ANSWER_MS }) }),
  );
}

/** Several servers, separated by commas, stay several. */
function withoutCredentials(natsUrl: string): string {
  return natsUrl
    .split(',')
    .map((part) => `nats://${new URL(part.trim()).host}`)
    .join(',');
}
