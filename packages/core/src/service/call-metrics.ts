/** Counts and times the calls that a service handles, by operation and outcome. */
import type { EndpointStats } from '../discovery/micro.ts';
import type { ExponentialHistogram } from '../telemetry/exponential-histogram.ts';
import type { Counter, Instruments, Metrics } from '../telemetry/metrics.ts';

class OperationMetrics {
  readonly byCode = new Map<string, Counter>();
  readonly latency: ExponentialHistogram;
  requests = 0;
  errors = 0;

  constructor(latency: ExponentialHistogram) {
    this.latency = latency;
  }
}

export class CallMetrics {
  readonly #counter: Instruments<Counter>;
  readonly #operations = new Map<string, OperationMetrics>();

  /** @param operations their names, `service.operation`. */
  constructor(metrics: Metrics, operations: Iterable<string>) {
    this.#counter = metrics.counter('flotilla_server_calls', 'Calls handled, by operation and outcome.');
    const histogram = metrics.histogram('flotilla_server_call_seconds', 'Time to handle a call.');
    for (const operation of operations) {
      this.#operations.set(operation, new OperationMetrics(histogram({ operation })));
    }
  }

  /** @param code `ok` or the code of the error. */
  observe(operation: string, code: string, milliseconds: number): void {
    const known = this.#operations.get(operation);
    if (!known) return;
    let count = known.byCode.get(code);
    if (!count) {
      count = this.#counter({ operation, code });
      known.byCode.set(code, count);
    }
    count.add();
    known.requests += 1;
    if (code !== 'ok') known.errors += 1;
    known.latency.observe(milliseconds / 1000);
  }

  stats(): EndpointStats[] {
    return [...this.#operations].map(([operation, { requests, errors, latency }]) => ({
      operation,
      requests,
      errors,
      milliseconds: latency.sum * 1000,
    }));
  }
}
