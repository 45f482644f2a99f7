/** What is told of published messages, by event and outcome. */
import type { ExponentialHistogram } from '../../telemetry/exponential-histogram.ts';
import type { Counter, Instruments, Metrics } from '../../telemetry/metrics.ts';

/** The instruments of one event. */
export class EventSeries {
  readonly #event: string;
  readonly #counter: Instruments<Counter>;
  readonly #latency: ExponentialHistogram;
  readonly #byCode = new Map<string, Counter>();
  readonly #published: Counter;

  constructor(event: string, counter: Instruments<Counter>, latency: ExponentialHistogram) {
    this.#event = event;
    this.#counter = counter;
    this.#latency = latency;
    this.#published = this.#of('ok');
  }

  /** Its stream has it. */
  published(milliseconds: number): void {
    this.#published.add();
    this.#latency.observe(milliseconds / 1000);
  }

  /** Sent at most once; `isSent` is false when there was no connection. */
  emitted(isSent: boolean): void {
    this.#of(isSent ? 'emitted' : 'unavailable').add();
  }

  failed(code: string): void {
    this.#of(code).add();
  }

  #of(code: string): Counter {
    let count = this.#byCode.get(code);
    if (!count) {
      count = this.#counter({ event: this.#event, code });
      this.#byCode.set(code, count);
    }
    return count;
  }
}

export class PublishMetrics {
  readonly #series = new Map<string, EventSeries>();
  readonly #counter: Instruments<Counter>;
  readonly #latency: Instruments<ExponentialHistogram>;

  /** @param underWay messages that are not acknowledged yet, or wait for their turn. */
  constructor(metrics: Metrics, underWay: () => number) {
    this.#counter = metrics.counter(
      'flotilla_messages_published',
      'Messages published, by event and outcome.',
    );
    this.#latency = metrics.histogram(
      'flotilla_message_publish_seconds',
      'Time until the stream had a published message.',
    );
    metrics.gauge('flotilla_messages_publishing', 'Messages that no stream has acknowledged yet.', underWay);
  }

  /** @param event its id, `service.event`. */
  of(event: string): EventSeries {
    let series = this.#series.get(event);
    if (!series) {
      series = new EventSeries(event, this.#counter, this.#latency({ event }));
      this.#series.set(event, series);
    }
    return series;
  }
}
