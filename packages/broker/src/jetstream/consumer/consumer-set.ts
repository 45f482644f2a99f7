/** All consumers of one stream: created, found, updated, deleted, and told what happens in the stream. */
import { fromWireText, toWireText } from '../../protocol/wire-text.ts';
import { type ApiError, apiError } from '../api/api-error.ts';
import type { ConsumerRows, StoredConsumer } from '../store/consumer-rows.ts';
import { DamagedRecord } from '../store/damaged-record.ts';
import type { ConsumerStream, StreamConsumers } from '../stream/consumer-stream.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';
import type { ConsumerStatus } from '../stream-status.ts';
import { Consumer, type ConsumerPosition } from './consumer.ts';
import { checkConsumerConfig, checkConsumerName, checkNewConsumer } from './consumer-check.ts';
import { type ConsumerConfig, withDefaults } from './consumer-config.ts';
import { filterOf } from './consumer-filter.ts';
import { checkConsumerUpdate } from './consumer-update.ts';
import { Cursor } from './cursor.ts';
import { type ConsumerHost, HostedConsumer } from './hosted-consumer.ts';
import { DEFAULT_INACTIVE_THRESHOLD_NS } from './inactivity.ts';
import { createConsumerName } from './random-name.ts';
import { SkipList } from './skip-list.ts';
import { startOf } from './start.ts';
import { readStoredConfig, showStoredConfig } from './stored-config.ts';

const SHORTEST_JITTER_MS = 100;
const JITTER_MS = 900;
const DEFAULT_BURST = 1_048_576;

export interface ConsumerSetOptions {
  readonly host: ConsumerHost;
  readonly stream: ConsumerStream;
  readonly rows: ConsumerRows;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly nowUs: () => number;
  /** The stream is gone. */
  readonly deleted: () => void;
}

export class ConsumerSet implements StreamConsumers {
  readonly stream: ConsumerStream;
  /** Of the stream, as wire text. */
  readonly name: string;
  readonly #host: ConsumerHost;
  readonly #rows: ConsumerRows;
  readonly #random: () => number;
  readonly #nowUs: () => number;
  readonly #deleted: () => void;
  readonly #consumers = new Map<string, HostedConsumer>();

  constructor({ host, stream, rows, random, nowUs, deleted }: ConsumerSetOptions) {
    this.stream = stream;
    this.name = toWireText(stream.name);
    this.#host = host;
    this.#rows = rows;
    this.#random = random;
    this.#nowUs = nowUs;
    this.#deleted = deleted;
    for (const stored of rows.load()) this.#restore(stored);
  }

  get count(): number {
    return this.#consumers.size;
  }

  /** In the order of their names. */
  get all(): readonly HostedConsumer[] {
    const names = [...this.#consumers.keys()].sort();
    return names.map((name) => this.#consumers.get(name)!);
  }

  status(): ConsumerStatus[] {
    const now = this.#host.queue.now();
    return this.all.map(({ machine }) => ({
      name: fromWireText(machine.name),
      isDurable: machine.config.durable_name !== '',
      pending: machine.cursor.countSome() ? machine.cursor.ahead : undefined,
      ackPending: machine.ledger.pending.size,
      redelivered: machine.ledger.redelivered.size,
      waiting: machine.waiting(now),
    }));
  }

  get(name: string): HostedConsumer | undefined {
    return this.#consumers.get(name);
  }

  /**
   * Creates a consumer, or changes the one of that name.
   *
   * @throws ApiError
   */
  apply(given: ConsumerConfig): HostedConsumer {
    const config = withDefaults(given);
    refuse(checkConsumerConfig(config, this.stream.config));
    const name = config.durable_name || config.name;
    const existing = this.#consumers.get(name);
    if (existing !== undefined) return this.#update(existing, config);
    const others = [...this.#consumers.values()].map(({ machine }) => machine.config.filter_subject);
    refuse(checkNewConsumer(config, this.stream.config, others));
    if (name !== '') refuse(checkConsumerName(name));
    return this.#create(name || this.#freeName(), config);
  }

  /** @throws ApiError when there is none of that name. */
  delete(name: string): void {
    const consumer = this.#consumers.get(name);
    if (consumer === undefined) throw apiError('consumerNotFound');
    this.#remove(consumer);
  }

  appended(first: number, last: number): void {
    const counted = new Map<string, number | undefined>();
    for (const consumer of this.#consumers.values()) {
      const { cursor } = consumer.machine;
      const filter = cursor.filter?.subject ?? '';
      if (!counted.has(filter)) counted.set(filter, this.#countMatching(first, last, cursor.filter));
      const matching = counted.get(filter);
      cursor.appended(first, last, matching);
      if (matching !== 0) consumer.kick();
    }
    this.#host.queue.drain();
  }

  removed(sequence: number, subject: string): void {
    for (const consumer of this.#consumers.values()) consumer.removed(sequence, subject);
  }

  purged(upTo: number, filter: SubjectFilter | undefined): void {
    for (const consumer of this.#consumers.values()) consumer.purged(upTo, filter);
  }

  needs(sequence: number, subject: string): boolean {
    for (const { machine } of this.#consumers.values()) {
      if (machine.needs(sequence, subject)) return true;
    }
    return false;
  }

  interested(subject: string): boolean {
    for (const { machine } of this.#consumers.values()) {
      const { filter } = machine.cursor;
      if (filter === undefined || filter.matches(subject)) return true;
    }
    return false;
  }

  configured(): void {
    for (const { machine } of this.#consumers.values()) {
      machine.cursor.refilter(filterOf(machine.config, this.stream));
    }
  }

  streamDeleted(): void {
    for (const consumer of this.#consumers.values()) {
      consumer.end(true);
      this.#host.announcer.deleted(this.name, consumer.machine.name);
    }
    this.#consumers.clear();
    this.#deleted();
  }

  /** Ends everything without a word: the broker stops. */
  close(): void {
    for (const consumer of this.#consumers.values()) consumer.end(false);
  }

  #update(existing: HostedConsumer, config: ConsumerConfig): HostedConsumer {
    const { machine } = existing;
    const complete = this.#complete(config);
    const old = machine.config;
    const bound = old.deliver_subject !== '' && this.#host.router.hasInterest(old.deliver_subject);
    refuse(checkConsumerUpdate(old, complete, bound));
    existing.configure(complete);
    this.#save(existing);
    if (old.filter_subject !== complete.filter_subject) this.stream.reconsider(this.stream.firstSequence);
    return existing;
  }

  #create(name: string, given: ConsumerConfig): HostedConsumer {
    const config = this.#complete(given);
    const filter = filterOf(config, this.stream);
    // What was published before is not new to it.
    this.stream.settle();
    const start = startOf(config, this.stream, filter);
    const consumer = this.#add(name, config, this.#nowUs(), {
      cursor: new Cursor(this.stream, filter, start),
      delivered: 0,
      floor: { consumer: 0, stream: 0 },
    });
    this.#save(consumer);
    consumer.changed();
    this.#host.announcer.created(this.name, name);
    return consumer;
  }

  #restore({ name, createdUs, config: text, progress, pending }: StoredConsumer): void {
    const { config, skipsUntil } = readStoredConfig(text);
    const filter = filterOf(config, this.stream);
    const next = progress.deliveredStream + 1;
    const left =
      next <= skipsUntil
        ? this.stream.lastPerSubject(filter).filter((sequence) => sequence >= next && sequence <= skipsUntil)
        : [];
    const skip = left.length > 0 ? new SkipList(left, skipsUntil) : undefined;
    const consumer = this.#add(name, config, createdUs, {
      cursor: new Cursor(this.stream, filter, {
        next: skip === undefined ? Math.max(next, skipsUntil + 1) : next,
        skip,
      }),
      delivered: progress.deliveredConsumer,
      floor: { consumer: progress.ackFloorConsumer, stream: progress.ackFloorStream },
    });
    for (const row of pending) {
      consumer.machine.ledger.restore(row.streamSequence, row.consumerSequence, row.timeMs, row.deliveries);
    }
  }

  #add(name: string, config: ConsumerConfig, createdUs: number, position: ConsumerPosition): HostedConsumer {
    const { stream } = this;
    const setting = {
      name,
      createdUs,
      jitter: SHORTEST_JITTER_MS + this.#random() * JITTER_MS,
      random: this.#random,
      burst: stream.config.max_msg_size > 0 ? stream.config.max_msg_size : DEFAULT_BURST,
    };
    const isKept = !config.mem_storage && !config.direct && stream.config.storage === 'file';
    const consumer = new HostedConsumer(
      this.#host,
      stream,
      isKept ? this.#rows : undefined,
      (output) => new Consumer(config, setting, position, stream, output, this.#host.queue.now()),
      (unused) => this.#remove(unused),
    );
    this.#consumers.set(name, consumer);
    return consumer;
  }

  #remove(consumer: HostedConsumer): void {
    const { name, ledger } = consumer.machine;
    if (!this.#consumers.delete(name)) return;
    consumer.end(true);
    if (consumer.isKept) this.#rows.remove(name);
    this.#host.announcer.deleted(this.name, name);
    this.stream.reconsider(ledger.floor.stream + 1);
  }

  #save(consumer: HostedConsumer): void {
    if (!consumer.isKept) return;
    const { name, createdUs, config, cursor } = consumer.machine;
    this.#rows.save(name, createdUs, showStoredConfig({ config, skipsUntil: cursor.skipsUntil }));
  }

  /** One without a durable name does not stay for ever. */
  #complete(config: ConsumerConfig): ConsumerConfig {
    if (config.durable_name !== '' || config.inactive_threshold > 0) return config;
    return { ...config, inactive_threshold: DEFAULT_INACTIVE_THRESHOLD_NS };
  }

  #freeName(): string {
    for (;;) {
      const name = createConsumerName(this.#random);
      if (!this.#consumers.has(name)) return name;
    }
  }

  /** Of new messages, which are still in memory. Undefined when one of them cannot be read. */
  #countMatching(first: number, last: number, filter: SubjectFilter | undefined): number | undefined {
    let count = 0;
    try {
      for (let from = first; from <= last; ) {
        const message = this.stream.next(from, filter);
        if (message === undefined || message.sequence > last) break;
        count++;
        from = message.sequence + 1;
      }
    } catch (error) {
      if (error instanceof DamagedRecord) return undefined;
      throw error;
    }
    return count;
  }
}

function refuse(error: ApiError | undefined): void {
  if (error !== undefined) throw error;
}
