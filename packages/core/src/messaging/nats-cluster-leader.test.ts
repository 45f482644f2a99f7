import { describe } from 'node:test';
import { leaderCases } from './testing/leader-cases.ts';
import { NatsCluster } from './testing/nats-cluster.ts';
import { withoutNatsServer } from './testing/nats-server.ts';

describe('messages on a cluster whose leaders are killed', { skip: withoutNatsServer }, () =>
  leaderCases(() => NatsCluster.start()),
);
