/**
 * Brings batches of one signal to its collector, one at a time: tries again where that may help, gives up in time,
 * counts what was lost, and says once that something is wrong and once that it is well again.
 */
import { promisify } from 'node:util';
import type { Logger } from '../log.ts';
import type { Counter, Metrics } from '../metrics.ts';
import type { Destination, Signal } from './configuration.ts';
import type { Encoding } from './encoding.ts';
import { HttpPoster, type PostOutcome } from './http-post.ts';
import { type RetryTimes, retryDelay } from './retry.ts';

/** Why items were lost. */
export type DropReason =
  /** More spans ended than the collector took in time. */
  | 'overflow'
  /** The collector refused them. */
  | 'refused'
  /** It could not be reached for too long. */
  | 'undeliverable'
  /** The process ended before they were sent. */
  | 'shutdown';

export interface DeliveryOptions {
  readonly signal: Signal;
  readonly destination: Destination;
  readonly encoding: Encoding;
  /** A batch is given up after this long: what comes after it is worth more. */
  readonly giveUpAfterMs: number;
  readonly retry: RetryTimes;
  readonly counters: DeliveryCounters;
  readonly log: Logger;
}

export class DeliveryCounters {
  readonly exported: (signal: Signal) => Counter;
  readonly dropped: (signal: Signal, reason: DropReason) => Counter;
  readonly failures: (signal: Signal) => Counter;

  constructor(metrics: Metrics) {
    const exported = metrics.counter(
      'flotilla_telemetry_exported_items',
      'Spans and data points that the collector took.',
    );
    const dropped = metrics.counter(
      'flotilla_telemetry_dropped_items',
      'Spans and data points that were lost on the way to the collector, by reason.',
    );
    const failures = metrics.counter(
      'flotilla_telemetry_export_failures',
      'Requests to the collector that failed, with those that were tried again.',
    );
    this.exported = (signal) => exported({ signal });
    this.dropped = (signal, reason) => dropped({ signal, reason });
    this.failures = (signal) => failures({ signal });
  }
}

export class Delivery {
  readonly #options: DeliveryOptions;
  readonly #poster: HttpPoster;
  readonly #where: string;
  /** Aborted: no more waiting, each batch has one try. */
  readonly #closing = new AbortController();
  /** Aborted: no more time at all. */
  readonly #ended = new AbortController();
  #failing = false;
  #defective = false;
  #droppedWhileFailing = 0;

  constructor(options: DeliveryOptions) {
    const { destination, encoding } = options;
    this.#options = options;
    this.#poster = new HttpPoster(destination, encoding.contentType);
    // Without what may be secret: credentials and query.
    this.#where = destination.url.origin + destination.url.pathname;
  }

  get ended(): boolean {
    return this.#ended.signal.aborted;
  }

  /** Resolves when the batch has arrived or is given up. Never rejects. */
  async deliver(body: Uint8Array, items: number): Promise<void> {
    const { signal, destination, giveUpAfterMs, retry, counters } = this.#options;
    const payload = destination.compression === 'gzip' ? await gzip(body) : body;
    const startedAt = performance.now();
    for (let tries = 1; ; tries++) {
      const outcome = await this.#post(payload);
      if (outcome.status !== undefined && outcome.status >= 200 && outcome.status < 300)
        return this.#delivered(outcome.body, items);
      counters.failures(signal).add();
      this.#complain(outcome);
      if (this.ended) return this.drop(items, 'shutdown');
      const wait = retryDelay(outcome, tries, retry, Math.random(), Date.now());
      if (wait === undefined) return this.drop(items, 'refused');
      if (this.#closing.signal.aborted) return this.drop(items, 'shutdown');
      // A collector that asks for rest gets it, whether this batch or the next is the one to wait.
      await sleep(wait, this.#closing.signal);
      const elapsed = performance.now() - startedAt;
      if (elapsed > giveUpAfterMs && !this.#closing.signal.aborted) return this.drop(items, 'undeliverable');
    }
  }

  /** Counts what was lost. */
  drop(items: number, reason: DropReason): void {
    if (items <= 0) return;
    this.#options.counters.dropped(this.#options.signal, reason).add(items);
    if (this.#failing) this.#droppedWhileFailing += items;
  }

  /** What could not even be made into a request: a defect, told once, of which the service must not suffer. */
  defect(error: unknown): void {
    if (this.#defective) return;
    this.#defective = true;
    const { signal, log } = this.#options;
    log.error(`some ${signal} cannot be exported: making a request of them fails`, { signal, error });
  }

  /** From now on nothing is waited for; what is under way goes on. */
  hurry(): void {
    this.#closing.abort();
  }

  /** Breaks off what is under way. */
  close(): void {
    this.#closing.abort();
    this.#ended.abort();
    this.#poster.close();
  }

  async #post(payload: Uint8Array): Promise<PostOutcome> {
    try {
      return await this.#poster.post(payload, this.#ended.signal);
    } catch (error) {
      return { status: undefined, reason: (error as Error).message };
    }
  }

  #delivered(answer: Buffer, items: number): void {
    const { signal, encoding, counters, log } = this.#options;
    let rejected = 0;
    try {
      const partial = encoding.partialSuccess(answer);
      rejected = Math.min(partial?.rejected ?? 0, items);
      if (partial && (rejected > 0 || partial.message))
        log.warn('the collector did not take all telemetry', { signal, rejected, reason: partial.message });
    } catch {
      // An answer that cannot be read tells nothing of what was taken; the status does.
    }
    counters.exported(signal).add(items - rejected);
    this.drop(rejected, 'refused');
    if (!this.#failing) return;
    this.#failing = false;
    log.info('telemetry reaches its collector again', { signal, dropped: this.#droppedWhileFailing });
    this.#droppedWhileFailing = 0;
  }

  /** The first failure of a row is told, the others are counted. */
  #complain(outcome: PostOutcome): void {
    if (this.#failing || this.ended) return;
    this.#failing = true;
    const { signal, log } = this.#options;
    const reason = outcome.status === undefined ? outcome.reason : `HTTP ${outcome.status}`;
    log.warn(
      `${signal} do not reach ${this.#where} (${reason}): start the collector or correct OTEL_EXPORTER_OTLP_ENDPOINT; the service goes on without`,
      { signal, ...(outcome.status !== undefined && { answer: printable(outcome.body) }) },
    );
  }
}

function gzip(body: Uint8Array): Promise<Uint8Array> {
  return promisify(process.getBuiltinModule('node:zlib').gzip)(body);
}

function sleep(milliseconds: number, wake: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (wake.aborted) return resolve();
    const done = () => {
      clearTimeout(timer);
      wake.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    // A process may end while a batch waits for its next try.
    timer.unref();
    wake.addEventListener('abort', done, { once: true });
  });
}

/** What of an error answer can be read by people, whatever it is encoded in. */
function printable(body: Buffer): string {
  return body
    .toString('latin1')
    .replace(/[^\x20-\x7e]+/g, ' ')
    .trim()
    .slice(0, 200);
}
