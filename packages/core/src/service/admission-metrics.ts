/** Shows what the admission of a service does: its limit, who waits and for how long, who was refused and why. */
import type { Priority } from '../contract/document.ts';
import type { ExponentialHistogram } from '../telemetry/exponential-histogram.ts';
import type { Counter, Instruments, Labels, Metrics } from '../telemetry/metrics.ts';
import type { Admission } from './admission.ts';
import { priorities, type Refusal } from './admission-queue.ts';

export class AdmissionMetrics {
  readonly #refused: Instruments<Counter>;
  readonly #counters: Readonly<Record<Priority, Map<Refusal, Counter>>> = {
    high: new Map(),
    normal: new Map(),
    background: new Map(),
  };
  readonly #waited: ReadonlyMap<Priority, ExponentialHistogram>;

  constructor(metrics: Metrics, admission: Admission) {
    metrics.gauge('flotilla_server_limit', 'Calls that may be handled at a time.', () => admission.limit);
    metrics.gauge('flotilla_server_queue', 'Calls that wait to be handled.', () =>
      priorities.map((priority): [Labels, number] => [{ priority }, admission.waiting(priority)]),
    );
    const waited = metrics.histogram(
      'flotilla_server_queue_seconds',
      'Time that calls waited to be handled, of those that had to.',
    );
    this.#waited = new Map(priorities.map((priority) => [priority, waited({ priority })]));
    this.#refused = metrics.counter('flotilla_server_refused', 'Calls refused to protect the server.');
  }

  waited(priority: Priority, milliseconds: number): void {
    this.#waited.get(priority)!.observe(milliseconds / 1000);
  }

  refused(priority: Priority, reason: Refusal): void {
    const counters = this.#counters[priority];
    let counter = counters.get(reason);
    if (!counter) {
      counter = this.#refused({ priority, reason });
      counters.set(reason, counter);
    }
    counter.add();
  }
}
