export { type Distribution, difference, merge, quantile } from './distribution.ts';
export { ExponentialHistogram } from './exponential-histogram.ts';
export { type ExpositionFormat, expositionTypes, negotiateFormat } from './exposition.ts';
export {
  createLogger,
  type LogFields,
  type Logger,
  type LoggerOptions,
  type LogLevel,
  silentLogger,
} from './log.ts';
export { Counter, Gauge, type Instruments, type Labels, Metrics, type Reading } from './metrics.ts';
export { processMetrics } from './process-metrics.ts';
export type { DistributionSnapshot, FamilySnapshot, MetricsSnapshot, SeriesSnapshot } from './snapshot.ts';
export { Span } from './span.ts';
export type {
  Attributes,
  AttributeValue,
  EventRecord,
  LinkRecord,
  SpanKind,
  SpanRecord,
  SpanStatus,
  TraceSummary,
} from './span-record.ts';
export { createTelemetry, silentTelemetry, type Telemetry, type TelemetryOptions } from './telemetry.ts';
export {
  formatTraceparent,
  parseTraceparent,
  spanIdOf,
  type TraceContext,
  traceIdOf,
} from './trace-context.ts';
export { traced } from './traced-log.ts';
export {
  type ActiveSpans,
  type SpanTemplate,
  type TraceFilter,
  Tracer,
  type TracerOptions,
} from './tracer.ts';
