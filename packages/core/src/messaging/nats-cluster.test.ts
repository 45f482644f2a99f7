import { describe } from 'node:test';
import { messagingCases } from './testing/messaging-cases.ts';
import { NatsCluster } from './testing/nats-cluster.ts';
import { withoutNatsServer } from './testing/nats-server.ts';

describe('messages on a cluster of three nats-servers', { skip: withoutNatsServer }, () =>
  messagingCases(() => NatsCluster.start()),
);
