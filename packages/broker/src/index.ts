export {
  type Broker,
  type BrokerOptions,
  type BrokerStats,
  type CloseOptions,
  type LameDuckOptions,
  startBroker,
} from './broker.ts';
export { BrokerError, type BrokerErrorCode } from './broker-error.ts';
export { type BrokerStatus, STATUS_SUBJECT } from './broker-status.ts';
export type { Credential } from './credentials.ts';
export type { StoreStatus } from './jetstream/store-status.ts';
export type { ConsumerStatus, StreamStatus } from './jetstream/stream-status.ts';
export { DEFAULT_LIMITS, type Limits } from './limits.ts';
export type { Log, LogLevel } from './server/log.ts';
