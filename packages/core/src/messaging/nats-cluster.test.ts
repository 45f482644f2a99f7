import { describe } from 'node:test';
import { failureCases } from './testing/failure-cases.ts';
import { stageOn } from './testing/message-stage.ts';
import { NatsCluster } from './testing/nats-cluster.ts';
import { withoutNatsServer } from './testing/nats-server.ts';
import { orderCases } from './testing/order-cases.ts';
import { publishingCases } from './testing/publishing-cases.ts';

describe('messages on a cluster of three nats-servers', { skip: withoutNatsServer }, () => {
  const stage = stageOn(() => NatsCluster.start());
  publishingCases(stage);
  orderCases(stage);
  failureCases(stage);
});
