/** A fleet in memory: services are functions, everything that was asked of them is recorded. */
import { type CallOptions, type CallResult, type ContractDocument, platformError } from 'flotilla';
import type { Upstream } from '../upstream.ts';

export interface RecordedCall {
  readonly operation: string;
  readonly payload: string;
  readonly options: CallOptions;
}

export type Answer = (input: never, options: CallOptions) => unknown;
export type Producer = (input: never, options: CallOptions) => AsyncIterable<unknown>;

/** An answer that is the stored result of an earlier call. */
export class Replayed {
  readonly value: unknown;
  constructor(value: unknown) {
    this.value = value;
  }
}

export class FakeUpstream implements Upstream {
  readonly calls: RecordedCall[] = [];
  /** Streams that were opened and have not ended. */
  openStreams = 0;
  readonly #documents = new Map<string, ContractDocument>();
  readonly #answers: Record<string, Answer | Producer>;
  readonly #listeners: (() => void)[] = [];

  constructor(documents: readonly ContractDocument[], answers: Record<string, Answer | Producer> = {}) {
    for (const document of documents) this.#documents.set(document.service, document);
    this.#answers = answers;
  }

  services(): readonly ContractDocument[] {
    return [...this.#documents.values()];
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  deploy(document: ContractDocument): void {
    this.#documents.set(document.service, document);
    for (const listener of this.#listeners) listener();
  }

  answer(operation: string, answer: Answer | Producer): void {
    this.#answers[operation] = answer;
  }

  async call(
    _service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): Promise<CallResult> {
    const input = this.#record(operation, payload, options);
    const answer = this.#answers[operation];
    if (!answer) throw platformError('unavailable', `no instance at tcp://127.0.0.1:4711 for ${operation}`);
    const result = await answer(input as never, options);
    const value = result instanceof Replayed ? result.value : result;
    return { payload: Buffer.from(JSON.stringify(value ?? null)), replayed: result instanceof Replayed };
  }

  async *stream(
    _service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer> {
    const input = this.#record(operation, payload, options);
    const { signal } = options;
    const cancelled = new Promise<never>((_, reject) => {
      const abort = () => reject(platformError('cancelled', 'the caller cancelled'));
      if (signal?.aborted) abort();
      signal?.addEventListener('abort', abort, { once: true });
    });
    cancelled.catch(() => {});
    const answer = this.#answers[operation] as Producer | undefined;
    if (!answer) throw platformError('unavailable', 'no instance');
    this.openStreams++;
    const items = answer(input as never, options)[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await Promise.race([items.next(), cancelled]);
        if (next.done) return;
        yield Buffer.from(JSON.stringify(next.value));
      }
    } finally {
      this.openStreams--;
      items.return?.().catch(() => {});
    }
  }

  #record(operation: string, payload: Uint8Array, options: CallOptions): unknown {
    const text = Buffer.from(payload).toString('utf8');
    this.calls.push({ operation, payload: text, options });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw platformError('invalid_argument', 'the input is not JSON', { cause });
    }
  }
}
