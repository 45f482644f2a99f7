/**
 * Exports the spans that end. The tracer's ring is the queue: a span that ends is only counted here; batches are read
 * out of the ring when they are due. When the collector is slower than the spans come, the ring moves on, the oldest are
 * lost and counted, and neither memory nor the service notices.
 */
import type { Attributes } from '../span-record.ts';
import type { Tracer } from '../tracer.ts';
import type { Delivery } from './delivery.ts';
import type { Encoding } from './encoding.ts';

export interface SpanExporterOptions {
  readonly tracer: Tracer;
  readonly delivery: Delivery;
  readonly encoding: Encoding;
  readonly resource: Attributes;
  /** Spans in a request at most. */
  readonly batch: number;
  /** Spans that may wait. */
  readonly queue: number;
  /** How long a span waits for a full batch. */
  readonly delayMs: number;
}

/** Spans encoded in one turn of the event loop: below a millisecond. */
const slice = 64;

export class SpanExporter {
  readonly #options: SpanExporterOptions;
  readonly #stopListening: () => void;
  /** Sequence number of the next span to export. */
  #cursor: number;
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(options: SpanExporterOptions) {
    this.#options = options;
    this.#cursor = options.tracer.oldest;
    this.#stopListening = options.tracer.onEnd((sequence) => this.#onEnd(sequence));
    if (options.tracer.ended > this.#cursor) this.#onEnd(options.tracer.ended - 1);
  }

  /** Exports all that has ended. */
  async flush(): Promise<void> {
    this.#stopListening();
    await this.#running;
    this.#run(this.#options.tracer.ended);
    await this.#running;
  }

  /** Gives up what is left. */
  close(): void {
    this.#stopListening();
    clearTimeout(this.#timer);
    const { tracer, delivery } = this.#options;
    delivery.drop(tracer.ended - this.#cursor, 'shutdown');
    this.#cursor = tracer.ended;
  }

  /** On the path of every span: a comparison or two. */
  #onEnd(sequence: number): void {
    if (this.#running !== undefined) return;
    const { batch, delayMs, tracer } = this.#options;
    if (sequence + 1 - this.#cursor >= batch) this.#run(sequence + 1);
    else this.#timer ??= setTimeout(() => this.#run(tracer.ended), delayMs).unref();
  }

  /** @param until sequence number up to which all is exported, however few; beyond it only full batches are. */
  #run(until: number): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#export(until)
      .catch((error) => this.#options.delivery.defect(error))
      .finally(() => {
        this.#running = undefined;
        const { tracer, delivery } = this.#options;
        if (tracer.ended > this.#cursor && !delivery.ended) this.#onEnd(tracer.ended - 1);
      });
  }

  async #export(until: number): Promise<void> {
    const { tracer, delivery, encoding, resource, batch } = this.#options;
    while ((this.#cursor < until || tracer.ended - this.#cursor >= batch) && !delivery.ended) {
      // Not on the stack of the span that made the batch full.
      await nextTurn();
      this.#skipWhatIsLost();
      const request = encoding.spans(resource);
      const end = Math.min(this.#cursor + batch, tracer.ended);
      let spans = 0;
      let lost = 0;
      while (this.#cursor < end) {
        const sliceEnd = Math.min(this.#cursor + slice, end);
        while (this.#cursor < sliceEnd) {
          // Counted first: one that cannot be read or encoded must not be tried for ever.
          const span = tracer.read(this.#cursor++);
          if (span === undefined) lost++;
          else if (span.sampled) {
            request.add(span);
            spans++;
          }
        }
        if (this.#cursor < end) await nextTurn();
      }
      delivery.drop(lost, 'overflow');
      if (spans > 0) await delivery.deliver(request.finish(), spans);
    }
  }

  #skipWhatIsLost(): void {
    const { tracer, delivery, queue } = this.#options;
    const oldest = Math.max(tracer.oldest, tracer.ended - queue);
    if (oldest <= this.#cursor) return;
    delivery.drop(oldest - this.#cursor, 'overflow');
    this.#cursor = oldest;
  }
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
