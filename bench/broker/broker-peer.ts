import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import type { BrokerAnswer, BrokerRequest } from './peer.ts';

/** A process that publishes to a broker or consumes from it, as it is told. */
export type BrokerPeer = PeerProcess<BrokerRequest, BrokerAnswer>;

export function createBrokerPeer(): BrokerPeer {
  return new PeerProcess(join(import.meta.dirname, 'peer.ts'));
}
