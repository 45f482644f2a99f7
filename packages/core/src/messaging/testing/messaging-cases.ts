/**
 * What messages promise, on every engine: the same cases run on nats-server, on the embedded broker and, part by part, on a cluster.
 * What needs processes of its own that are killed is in `crash-cases.ts`, what needs leaders that are killed in `leader-cases.ts`.
 */
import { failureCases } from './failure-cases.ts';
import { stageOn } from './message-stage.ts';
import type { TestBroker } from './nats-server.ts';
import { orderCases } from './order-cases.ts';
import { positionCases } from './position-cases.ts';
import { publishingCases } from './publishing-cases.ts';
import { transactionCases } from './transaction-cases.ts';
import { workCases } from './work-cases.ts';

export function messagingCases(startBroker: () => Promise<TestBroker>): void {
  const stage = stageOn(startBroker);
  publishingCases(stage);
  orderCases(stage);
  failureCases(stage);
  workCases(stage);
  transactionCases(stage);
  positionCases(stage);
}
