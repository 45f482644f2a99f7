/** How the broker is: what Flotilla's own tells of itself, or what can be learned of any NATS server. */

import type { BrokerStatus as EmbeddedStatus } from '@flotilla/broker';
import { jetstreamManager } from '@nats-io/jetstream';
import type { BrokerSession } from './broker-session.ts';
import { listStreams } from './stream-listing.ts';

export interface BrokerStatus {
  /** Without credentials. */
  readonly url: string;
  readonly kind: 'embedded' | 'nats-server';
  /** Of nats-server; of the embedded broker, that of nats-server which it is like. */
  readonly version: string;
  readonly name: string;
  /** Null where nothing is stored. */
  readonly stored: {
    readonly streams: number;
    readonly consumers: number;
    readonly messages: number;
    readonly bytes: number;
  } | null;
  /** What the embedded broker says of itself; null for any other. */
  readonly told: ToldStatus | null;
}

/** What the embedded broker answers. */
export type ToldStatus = EmbeddedStatus;

/** That of `@flotilla/broker`, which is not loaded to ask one question. */
export const STATUS_SUBJECT = '$FLOTILLA.BROKER.STATUS';
const ANSWER_MS = 2_000;

export async function brokerStatus({ nats, url }: BrokerSession): Promise<BrokerStatus> {
  const told = await ask(nats);
  return {
    url,
    kind: told === null ? 'nats-server' : 'embedded',
    version: nats.info?.version ?? 'unknown',
    name: nats.info?.server_name ?? 'unknown',
    stored: await storedIn(nats),
    told,
  };
}

/** Nobody but the embedded broker listens on its subject. */
async function ask(nats: BrokerSession['nats']): Promise<ToldStatus | null> {
  try {
    return (await nats.request(STATUS_SUBJECT, '', { timeout: ANSWER_MS })).json<ToldStatus>();
  } catch (error) {
    if (isNoResponders(error)) return null;
    throw error;
  }
}

function isNoResponders(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error.name === 'NoResponders' || isNoResponders(error.cause);
}

async function storedIn(nats: BrokerSession['nats']): Promise<BrokerStatus['stored']> {
  if (nats.info?.jetstream !== true) return null;
  const jsm = await jetstreamManager(nats);
  const { streams, consumers } = await jsm.getAccountInfo();
  const all = await listStreams(jsm);
  return {
    streams,
    consumers,
    messages: all.reduce((sum, { messages }) => sum + messages, 0),
    bytes: all.reduce((sum, { bytes }) => sum + bytes, 0),
  };
}
