/** What is told of handled messages, by group, event and outcome, and of the groups themselves. */
import type { ExponentialHistogram } from '../../telemetry/exponential-histogram.ts';
import type { Counter, Instruments, Labels, Metrics } from '../../telemetry/metrics.ts';
import type { DeadLetterReason } from '../topology.ts';

/**
 * `ok`; `retry`: it failed and is tried again; `skipped`: it was handled before; `dropped`: it failed, and was only heard; else why it
 * became a dead letter.
 */
export type HandlingOutcome = 'ok' | 'retry' | 'skipped' | 'dropped' | DeadLetterReason;

/** The instruments of one event in one group. */
export class HandlingSeries {
  readonly #labels: Labels;
  readonly #counter: Instruments<Counter>;
  readonly #duration: ExponentialHistogram;
  readonly #byOutcome = new Map<HandlingOutcome, Counter>();

  constructor(labels: Labels, counter: Instruments<Counter>, duration: ExponentialHistogram) {
    this.#labels = labels;
    this.#counter = counter;
    this.#duration = duration;
  }

  /** An attempt has ended. */
  took(milliseconds: number): void {
    this.#duration.observe(milliseconds / 1000);
  }

  count(outcome: HandlingOutcome): void {
    let count = this.#byOutcome.get(outcome);
    if (!count) {
      count = this.#counter({ ...this.#labels, outcome });
      this.#byOutcome.set(outcome, count);
    }
    count.add();
  }
}

/** How far a group of this instance is behind. */
export interface GroupGauges {
  readonly group: string;
  readonly service: string;
  /** Messages in the stream that it has not handled. */
  lag(): number;
  /** Age of the oldest message in hand, in milliseconds; 0 when there is none. */
  oldestMs(): number;
  /** Messages being handled, or waiting to be tried again. */
  inFlight(): number;
  partitions(): number;
}

export class HandlingMetrics {
  readonly #counter: Instruments<Counter>;
  readonly #duration: Instruments<ExponentialHistogram>;
  readonly #series = new Map<string, HandlingSeries>();
  readonly #groups = new Set<GroupGauges>();

  constructor(metrics: Metrics) {
    this.#counter = metrics.counter('flotilla_messages_handled', 'Messages, by group, event and outcome.');
    this.#duration = metrics.histogram(
      'flotilla_message_handling_seconds',
      'Time of one attempt to handle a message.',
    );
    const gauge = (name: string, help: string, read: (group: GroupGauges) => number): void =>
      metrics.gauge(name, help, () => [...this.#groups].map((each) => [labelsOf(each), read(each)] as const));
    gauge(
      'flotilla_group_lag',
      'Messages that a group has yet to handle, of the partitions read here.',
      (group) => group.lag(),
    );
    gauge(
      'flotilla_group_oldest_seconds',
      'Age of the oldest message that a group has yet to handle, of those read here.',
      (group) => group.oldestMs() / 1000,
    );
    gauge('flotilla_group_in_flight', 'Messages being handled or waiting for another attempt.', (group) =>
      group.inFlight(),
    );
    gauge('flotilla_group_partitions', 'Partitions that this instance reads for a group.', (group) =>
      group.partitions(),
    );
  }

  of(group: string, event: string): HandlingSeries {
    const key = `${group} ${event}`;
    let series = this.#series.get(key);
    if (!series) {
      const labels = { group, event };
      series = new HandlingSeries(labels, this.#counter, this.#duration(labels));
      this.#series.set(key, series);
    }
    return series;
  }

  /** Shows a group until the returned function is called. */
  show(group: GroupGauges): () => void {
    this.#groups.add(group);
    return () => this.#groups.delete(group);
  }
}

function labelsOf({ group, service }: GroupGauges): Labels {
  return { group, service };
}
