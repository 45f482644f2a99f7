/** Counts and times the calls that a service handles, by operation and outcome. */
import { type Counter, type Histogram, latencyBounds, type Metrics } from '../telemetry/metrics.ts';

export interface CallMetrics {
  /** @param code `ok` or the code of the error. */
  observe(operation: string, code: string, milliseconds: number): void;
}

export function callMetrics(metrics: Metrics): CallMetrics {
  const counter = metrics.counter('flotilla_server_calls', 'Calls handled, by operation and outcome.');
  const histogram = metrics.histogram(
    'flotilla_server_call_seconds',
    'Time to handle a call.',
    latencyBounds,
  );
  const counters = new Map<string, Map<string, Counter>>();
  const histograms = new Map<string, Histogram>();
  return {
    observe(operation, code, milliseconds) {
      let byCode = counters.get(operation);
      if (!byCode) {
        byCode = new Map();
        counters.set(operation, byCode);
        histograms.set(operation, histogram({ operation }));
      }
      let count = byCode.get(code);
      if (!count) {
        count = counter({ operation, code });
        byCode.set(code, count);
      }
      count.add();
      histograms.get(operation)!.observe(milliseconds / 1000);
    },
  };
}
