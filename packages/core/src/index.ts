/** What the author of a service imports. */
export * from './contract/index.ts';
export * from './errors/index.ts';
export type { Transaction } from './messaging/durable/transaction.ts';
export type { Duration } from './messaging/duration.ts';
export type { Message } from './messaging/handling/message.ts';
export type { Progress } from './messaging/handling/progress.ts';
export type { ErrorClass, RetryOptions, RetryRule } from './messaging/handling/retry-policy.ts';
export type { MessageOptions, Published, PublishOptions } from './messaging/publishing/event-publisher.ts';
export type {
  GroupOptions,
  ListenOptions,
  StartPosition,
  SubscribeOptions,
  Subscriber,
  Subscription,
  TransactionOptions,
  WorkOptions,
} from './messaging/subscription.ts';
export type { CallOptions, EndUser } from './rpc/channel.ts';
export {
  type Attempt,
  attempt,
  type Call,
  type Caller,
  type Client,
  type ClientCallOptions,
  createClient,
} from './rpc/client.ts';
export {
  type Clients,
  type Context,
  type Handlers,
  listen,
  type MessageContext,
  type Service,
  type ServiceRuntime,
  type ServiceSpec,
  type Speaks,
  service,
  subscribe,
  type TransactionContext,
  work,
} from './service/index.ts';
export { type Database, type Migration, openDatabase, readMigrations } from './store/index.ts';
export { createLogger, type LogFields, type Logger, type LogLevel, silentLogger } from './telemetry/index.ts';

// From here on, for the authors of other packages: processes that join a fleet, and the pieces they are made of.

export type { Goodbye, Instance, TableChange } from './discovery/index.ts';
export * from './faults/index.ts';
export { ControlDocument, emptyControl, readControl } from './fleet/control-document.ts';
export {
  deriveKey,
  deriveToken,
  type Explanation,
  FleetMember,
  type InstanceReport,
  joinFleet,
  type MemberOptions,
  type OperationReport,
  type ResilienceReport,
  readSecret,
  type SecretPurpose,
  type ServiceReport,
  sameToken,
} from './fleet/index.ts';
export { type DeadLetterReason, header as messageHeader, Topology } from './messaging/topology.ts';
export type { CallPolicy } from './resilience/policy.ts';
export {
  explainPolicy,
  type PolicyLayer,
  type PolicyRule,
  PolicyRules,
  type PolicySource,
  type PolicyValue,
} from './resilience/policy-rules.ts';
export type { CallReceiver, CallResult, SentCall } from './rpc/channel.ts';
export {
  type AdminServer,
  type AdminServerOptions,
  type ProcessLifetime,
  type ProcessMessage,
  processLifetime,
  type RunningService,
  restWhenIdle,
  startAdminServer,
  startService,
} from './service/index.ts';
export {
  type Attributes,
  type AttributeValue,
  createTelemetry,
  type Distribution,
  difference,
  expositionTypes,
  formatTraceparent,
  type Labels,
  Metrics,
  type MetricsSnapshot,
  merge,
  negotiateFormat,
  parseTraceparent,
  processMetrics,
  quantile,
  type Span,
  type SpanKind,
  type SpanRecord,
  type SpanTemplate,
  silentTelemetry,
  spanIdOf,
  type Telemetry,
  type TraceContext,
  type TraceFilter,
  Tracer,
  type TraceSummary,
  traceIdOf,
} from './telemetry/index.ts';
