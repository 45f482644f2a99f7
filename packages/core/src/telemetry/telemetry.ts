/** What a process tells of itself, as one value that travels to all its parts. */
import { type Logger, silentLogger } from './log.ts';
import { Metrics } from './metrics.ts';
import { type Identity, isExportConfigured, readExportConfiguration } from './otlp/configuration.ts';
import type { Exporter } from './otlp/exporter.ts';
import { processMetrics } from './process-metrics.ts';
import { Tracer } from './tracer.ts';

export interface Telemetry {
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** Exports what was not exported yet, for at most a second, and stops. Safe to call twice. */
  close(): Promise<void>;
}

export interface TelemetryOptions extends Identity {
  /** `OTEL_EXPORTER_OTLP_ENDPOINT` and the other `OTEL_…` variables are read from it. */
  readonly environment: NodeJS.ProcessEnv;
  readonly log: Logger;
}

/** How long the end of a process may be held up by what was not exported yet. */
const closeGraceMs = 1_000;

/** The telemetry of a process, with the process's own metrics, exported where the environment says so. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { environment, log } = options;
  const tracer = new Tracer();
  const metrics = new Metrics();
  const stopMeasuring = processMetrics(metrics);
  const exporter = isExportConfigured(environment) ? loadExporter(options, tracer, metrics) : undefined;
  let closed: Promise<void> | undefined;
  return {
    tracer,
    metrics,
    log,
    close() {
      closed ??= (async () => {
        await (await exporter)?.close(closeGraceMs);
        stopMeasuring();
      })();
      return closed;
    },
  };
}

/** For tests, and tools that only call: nothing is written or sent anywhere. */
export function silentTelemetry(): Telemetry {
  return { tracer: new Tracer(), metrics: new Metrics(), log: silentLogger, async close() {} };
}

async function loadExporter(
  { environment, log, ...identity }: TelemetryOptions,
  tracer: Tracer,
  metrics: Metrics,
): Promise<Exporter | undefined> {
  const startMs = Date.now();
  try {
    const configuration = readExportConfiguration(environment, identity, (message) => log.warn(message));
    const { startExporter } = await import('./otlp/exporter.ts');
    return await startExporter({ configuration, tracer, metrics, log, startMs });
  } catch (error) {
    log.warn('telemetry is not exported: its exporter cannot start, the service goes on without', { error });
    return undefined;
  }
}
