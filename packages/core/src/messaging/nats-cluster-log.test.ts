import { describe } from 'node:test';
import { logCases } from './testing/log-cases.ts';
import { NatsCluster } from './testing/nats-cluster.ts';
import { withoutNatsServer } from './testing/nats-server.ts';

describe('logs on a cluster of three nats-servers', { skip: withoutNatsServer }, () =>
  logCases(() => NatsCluster.start()),
);
