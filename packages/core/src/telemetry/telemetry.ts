/** What a process tells of itself, as one value that travels to all its parts. */
import { type Logger, silentLogger } from './log.ts';
import { Metrics } from './metrics.ts';
import { processMetrics } from './process-metrics.ts';
import { Tracer } from './tracer.ts';

export interface Telemetry {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Hands over what was not exported yet, for at most a second, and stops. */
  close(): Promise<void>;
}

export interface TelemetryOptions {
  readonly service: string;
  readonly instance: string;
  readonly version?: string;
  /** Where `OTEL_…` variables are read from. */
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

export function createTelemetry({ log }: TelemetryOptions): Telemetry {
  const metrics = new Metrics();
  processMetrics(metrics);
  return { tracer: new Tracer(), metrics, log, async close() {} };
}

/** For tests, and tools that only call: nothing is written or sent anywhere. */
export function silentTelemetry(): Telemetry {
  return { tracer: new Tracer(), metrics: new Metrics(), log: silentLogger, async close() {} };
}
