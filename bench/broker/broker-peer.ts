import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import type { BrokerAnswer, BrokerRequest } from './peer.ts';

/** A process that publishes to a broker or consumes from it, as it is told. */
export type BrokerPeer = PeerProcess<BrokerRequest, BrokerAnswer>;

/**
 * @param stackTraces whether errors have them. The official client of NATS makes two errors for every acknowledged publish, in
 * case it should fail, and spends more than half of its time on their stack traces: with them it is the client that is measured.
 */
export function createBrokerPeer({ stackTraces = false } = {}): BrokerPeer {
  return new PeerProcess(join(import.meta.dirname, 'peer.ts'), stackTraces ? [] : ['--stack-trace-limit=0']);
}
