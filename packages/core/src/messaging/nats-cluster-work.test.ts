import { describe } from 'node:test';
import { stageOn } from './testing/message-stage.ts';
import { NatsCluster } from './testing/nats-cluster.ts';
import { withoutNatsServer } from './testing/nats-server.ts';
import { positionCases } from './testing/position-cases.ts';
import { transactionCases } from './testing/transaction-cases.ts';
import { workCases } from './testing/work-cases.ts';

describe('work on a cluster of three nats-servers', { skip: withoutNatsServer }, () => {
  const stage = stageOn(() => NatsCluster.start());
  workCases(stage);
  transactionCases(stage);
  positionCases(stage);
});
