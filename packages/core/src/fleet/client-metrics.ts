/** What a process counts of the calls it makes: one set of instruments for all services, looked up once per operation. */
import type { BreakerState } from '../resilience/circuit-breaker.ts';
import type { Metrics } from '../telemetry/metrics.ts';

type Counters = ReturnType<typeof counters>;

function counters(metrics: Metrics) {
  return {
    calls: metrics.counter('flotilla_client_calls_total', 'Calls made, by operation and outcome.'),
    seconds: metrics.histogram('flotilla_client_call_seconds', 'Time until a call had its outcome.'),
    attempts: metrics.counter(
      'flotilla_client_attempts_total',
      'Requests sent: first tries, retries and hedges.',
    ),
    breakerChanges: metrics.counter('flotilla_breaker_changes_total', 'Changes of circuit breakers.'),
    ejections: metrics.counter('flotilla_ejections_total', 'Instances taken out of the choice.'),
  };
}

/** What is read when somebody asks. */
export interface ClientReadings {
  breakers(): Iterable<readonly [service: string, operation: string, state: BreakerState]>;
  bulkheads(): Iterable<readonly [service: string, active: number, waiting: number]>;
}

const breakerValues: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

export class ClientMetrics {
  readonly #counters: Counters;

  constructor(metrics: Metrics, readings: ClientReadings) {
    this.#counters = counters(metrics);
    metrics.gauge('flotilla_breaker_state', 'Circuit breakers: 0 closed, 1 half-open, 2 open.', () =>
      Array.from(
        readings.breakers(),
        ([service, operation, state]) => [{ service, operation }, breakerValues[state]] as const,
      ),
    );
    metrics.gauge('flotilla_client_in_flight', 'Calls made and not yet answered.', () =>
      Array.from(readings.bulkheads(), ([service, active]) => [{ service }, active] as const),
    );
    metrics.gauge('flotilla_bulkhead_waiting', 'Calls that wait for their turn to be sent.', () =>
      Array.from(readings.bulkheads(), ([service, , waiting]) => [{ service }, waiting] as const),
    );
  }

  operation(service: string, operation: string): OperationMetrics {
    return new OperationMetrics(this.#counters, service, operation);
  }

  breakerChanged(service: string, operation: string, to: BreakerState): void {
    this.#counters.breakerChanges({ service, operation, to }).add();
  }

  ejected(service: string, instance: string, reason: string): void {
    this.#counters.ejections({ service, instance, reason }).add();
  }
}

export class OperationMetrics {
  readonly #counters: Counters;
  readonly #labels: { readonly service: string; readonly operation: string };
  readonly #byCode = new Map<string, { value: number }>();
  readonly #ok: { value: number };
  readonly #seconds: { observe(value: number): void };
  readonly #first: { value: number };

  constructor(all: Counters, service: string, operation: string) {
    this.#counters = all;
    this.#labels = { service, operation };
    this.#ok = all.calls({ ...this.#labels, code: 'ok' });
    this.#seconds = all.seconds(this.#labels);
    this.#first = all.attempts({ ...this.#labels, kind: 'first' });
  }

  sent(kind: 'first' | 'retry' | 'hedge'): void {
    if (kind === 'first') this.#first.value++;
    else this.#counters.attempts({ ...this.#labels, kind }).add();
  }

  /** @param code `ok` or the code of the error. */
  ended(code: string, milliseconds: number): void {
    this.#seconds.observe(milliseconds / 1000);
    if (code === 'ok') {
      this.#ok.value++;
      return;
    }
    let count = this.#byCode.get(code);
    if (!count) {
      count = this.#counters.calls({ ...this.#labels, code });
      this.#byCode.set(code, count);
    }
    count.value++;
  }
}
