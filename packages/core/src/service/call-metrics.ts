/** Counts and times the calls that a service handles, by operation and outcome. */
import type { EndpointStats } from '../discovery/micro.ts';
import type { ExponentialHistogram } from '../telemetry/exponential-histogram.ts';
import type { Counter, Instruments, Metrics } from '../telemetry/metrics.ts';

/** The instruments of one operation. */
export class OperationMetrics {
  readonly #operation: string;
  readonly #counter: Instruments<Counter>;
  readonly #byCode = new Map<string, Counter>();
  readonly latency: ExponentialHistogram;
  requests = 0;
  errors = 0;

  constructor(operation: string, counter: Instruments<Counter>, latency: ExponentialHistogram) {
    this.#operation = operation;
    this.#counter = counter;
    this.latency = latency;
  }

  /** A call has been handled. @param code `ok` or the code of the error. */
  handled(code: string, milliseconds: number): void {
    this.#count(code);
    this.latency.observe(milliseconds / 1000);
  }

  /** A call has been answered without being handled: its time would say nothing of the handler. */
  refused(code: string): void {
    this.#count(code);
  }

  #count(code: string): void {
    let count = this.#byCode.get(code);
    if (!count) {
      count = this.#counter({ operation: this.#operation, code });
      this.#byCode.set(code, count);
    }
    count.add();
    this.requests += 1;
    if (code !== 'ok') this.errors += 1;
  }
}

export class CallMetrics {
  readonly #operations = new Map<string, OperationMetrics>();

  /** @param operations their names, `service.operation`. */
  constructor(metrics: Metrics, operations: Iterable<string>) {
    const counter = metrics.counter('flotilla_server_calls', 'Calls handled, by operation and outcome.');
    const histogram = metrics.histogram('flotilla_server_call_seconds', 'Time to handle a call.');
    for (const operation of operations) {
      this.#operations.set(operation, new OperationMetrics(operation, counter, histogram({ operation })));
    }
  }

  /** The instruments of one of the operations given to the constructor. */
  of(operation: string): OperationMetrics {
    return this.#operations.get(operation)!;
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
