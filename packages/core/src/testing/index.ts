export { NatsCluster } from '../messaging/testing/nats-cluster.ts';
export { startNatsServer, type TestBroker, withoutNatsServer } from '../messaging/testing/nats-server.ts';
export { TestFleet, type TestFleetOptions } from './test-fleet.ts';
export { findProgram, skipWithout } from './test-servers.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
