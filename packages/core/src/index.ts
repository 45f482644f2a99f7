/** What the author of a service imports. */
export * from './contract/index.ts';
// For the authors of other packages: processes that join a fleet, and the pieces that they are made of.
export type { Goodbye, Instance, TableChange } from './discovery/index.ts';
export * from './errors/index.ts';
export {
  deriveKey,
  deriveToken,
  FleetMember,
  joinFleet,
  type MemberOptions,
  readSecret,
  type SecretPurpose,
  sameToken,
} from './fleet/index.ts';
export type { CallOptions, CallResult, EndUser } from './rpc/channel.ts';
export { type Attempt, attempt, type Call, type Caller, type Client, createClient } from './rpc/client.ts';
export {
  type Clients,
  type Context,
  type Handlers,
  type ProcessLifetime,
  type ProcessMessage,
  processLifetime,
  type RunningService,
  type Service,
  type ServiceRuntime,
  type ServiceSpec,
  service,
  startService,
} from './service/index.ts';
export { type Database, type Migration, openDatabase, readMigrations } from './store/index.ts';
export {
  createLogger,
  type LogFields,
  type Logger,
  type LogLevel,
  latencyBounds,
  Metrics,
  processMetrics,
  silentLogger,
} from './telemetry/index.ts';
