/**
 * JetStream inside the broker: opens the store, brings back the streams, answers the API. Everything runs on the
 * broker's one thread; `close` leaves nothing behind.
 */
import type { DatabaseSync } from 'node:sqlite';
import { BrokerError } from '../broker-error.ts';
import { LocalClient } from '../routing/local-client.ts';
import type { Router } from '../routing/router.ts';
import type { Log } from '../server/log.ts';
import { type Advisories, advisories } from './advisories.ts';
import { registerAccountInfo } from './api/account-info.ts';
import { ApiRouter } from './api/api-router.ts';
import { openDirectGet } from './api/direct-get.ts';
import { registerMessageApi } from './api/message-api.ts';
import { registerStreamApi } from './api/stream-api.ts';
import type { StreamDirectory } from './api/stream-directory.ts';
import { registerUnsupportedApi } from './api/unsupported-api.ts';
import { Consumers } from './consumer/consumers.ts';
import type { JetStreamContext } from './context.ts';
import { prepareDataDirectory } from './data-directory.ts';
import { Steps } from './steps.ts';
import { type DiskSpace, diskSpace, FreeSpace } from './store/free-space.ts';
import { GroupCommit } from './store/group-commit.ts';
import { SqliteConsumerRows } from './store/sqlite-consumer-rows.ts';
import type { StreamRow } from './store/stream-rows.ts';
import { type StoreStatus, storeStatus } from './store-status.ts';
import { type Shelf, Stores } from './stores.ts';
import { ReadAhead } from './stream/read-ahead.ts';
import { Stream } from './stream/stream.ts';
import type { StreamConfig } from './stream/stream-config.ts';
import { TailBudget } from './stream/tail.ts';
import type { StreamStatus } from './stream-status.ts';
import { wallClock } from './wall-clock.ts';

/** Memory for the newest messages of all streams, in bytes. */
const TAIL_BYTES = 16 * 1024 * 1024;

export interface JetStreamOptions {
  readonly router: Router;
  readonly log: Log;
  /** Folder for everything that is kept; without it streams can only live in memory. */
  readonly data: string | undefined;
  readonly durability: 'disk' | 'process';
  /** The store could not write: the process is to end. */
  readonly onFatal: (error: BrokerError) => void;
  /** What the file system of a folder has. Default: asks it. */
  readonly diskSpace?: (folder: string) => DiskSpace;
  /** Sends off what waits for clients, without waiting for the end of the turn. */
  readonly flushClients: () => void;
}

export class JetStream implements StreamDirectory {
  readonly #data: string | undefined;
  readonly #durability: 'disk' | 'process';
  readonly #commits: GroupCommit;
  readonly #steps: Steps;
  readonly #stores: Stores;
  readonly #budget = new TailBudget(TAIL_BYTES);
  readonly #readAhead = new ReadAhead();
  readonly #streams = new Map<string, Stream>();
  readonly #context: JetStreamContext;
  readonly #api: ApiRouter;
  readonly #client: LocalClient;
  readonly #consumers: Consumers;
  #damaged = 0;
  #closed = false;

  /** @throws BrokerError when the data directory cannot be used. */
  constructor(options: JetStreamOptions) {
    const { router, log, data, durability, onFatal, flushClients } = options;
    this.#data = data;
    this.#durability = durability;
    const failed = (error: unknown, subject?: string): void =>
      log('error', 'JetStream failed', { error, ...(subject !== undefined && { subject }) });
    this.#commits = new GroupCommit({
      onFailure: (error) => {
        log('error', error.message, { error: error.cause });
        this.#steps.close();
        for (const stream of this.#streams.values()) stream.close();
        onFatal(error);
      },
      onWorkFailure: (error) => failed(error),
      onFlushed: flushClients,
    });
    this.#steps = new Steps((error) => failed(error));
    if (data !== undefined) prepareDataDirectory(data);
    this.#stores = new Stores(data, durability, this.#commits, this.#steps, freeSpace(options));
    this.#client = new LocalClient(router, failed);
    this.#api = new ApiRouter(router, this.#commits, failed);
    const nowUs = wallClock();
    const events: Advisories = advisories(this.#client, this.#commits, nowUs);
    this.#context = {
      router,
      commits: this.#commits,
      log,
      nowUs,
      ...events,
      handle: (tokens, responseType, handler) => this.#api.handle(tokens, responseType, handler),
      damaged: (error) => {
        this.#damaged++;
        log('error', error.message, { stream: error.stream, sequence: error.sequence });
      },
    };
    this.#consumers = new Consumers(this.#context);
    try {
      this.#recover();
    } catch (error) {
      this.#stores.close();
      throw error instanceof BrokerError ? error : unreadable(data, error);
    }
    this.#open();
  }

  all(): Stream[] {
    return [...this.#streams.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  get(name: string): Stream | undefined {
    return this.#streams.get(name);
  }

  create(config: StreamConfig): Stream {
    const shelf = this.#stores.shelfFor(config);
    const row = shelf.rows.create(config.name, this.#context.nowUs(), JSON.stringify(config));
    const stream = this.#add(shelf, row, config);
    stream.open();
    return stream;
  }

  remove(stream: Stream): void {
    stream.remove();
    this.#streams.delete(stream.name);
  }

  /** What all streams hold together. */
  totals(): Readonly<Record<'streams' | 'consumers' | 'messages' | 'bytes', number>> {
    const totals = { streams: this.#streams.size, consumers: 0, messages: 0, bytes: 0 };
    for (const { log, consumers } of this.#streams.values()) {
      totals.consumers += consumers.count;
      totals.messages += log.messages;
      totals.bytes += log.bytes;
    }
    return totals;
  }

  /** In the order of their names. */
  streams(): StreamStatus[] {
    return this.all().map(({ name, log, consumers }) => ({
      name,
      messages: log.messages,
      bytes: log.bytes,
      lastSequence: log.lastSequence,
      consumers: consumers.status(),
    }));
  }

  /** Undefined without a data directory. */
  status(): StoreStatus | undefined {
    if (this.#data === undefined) return undefined;
    const { flushTimes } = this.#commits;
    return storeStatus(this.#data, this.#durability, this.#stores.all(), flushTimes, this.#damaged);
  }

  /** The files that are in use. `flush` commits what is open. */
  files(): { readonly path: string; readonly database: DatabaseSync; flush(): void }[] {
    return [...this.#stores.all()]
      .filter(({ store }) => store.durability !== 'memory')
      .map(({ store }) => ({
        path: store.path,
        database: store.database,
        flush: () => this.#commits.flush(),
      }));
  }

  /** Commits what there is and tells it. */
  flush(): void {
    this.#commits.flush();
  }

  /** Commits what there is and lets go of the store. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#api.close();
    this.#steps.close();
    this.#consumers.close();
    this.#commits.close();
    for (const stream of this.#streams.values()) stream.close();
    this.#stores.close();
  }

  #recover(): void {
    for (const shelf of this.#stores.all()) {
      for (const row of shelf.rows.all()) this.#add(shelf, row, JSON.parse(row.config));
      shelf.clearing.resume();
    }
  }

  #add(shelf: Shelf, row: StreamRow, config: StreamConfig): Stream {
    const consumerRows = new SqliteConsumerRows(shelf.consumers, row.name);
    const stream = new Stream(
      {
        context: this.#context,
        commits: this.#commits,
        store: shelf.store,
        rows: shelf.rows,
        consumerRows,
        budget: this.#budget,
        readAhead: this.#readAhead,
        steps: this.#steps,
        clear: (id) => shelf.clearing.clear(id),
      },
      row,
      config,
    );
    stream.attach((seen) => this.#consumers.attach(seen, consumerRows));
    this.#streams.set(row.name, stream);
    return stream;
  }

  #open(): void {
    const { damaged } = this.#context;
    registerAccountInfo(this.#context, this, this.#api);
    registerStreamApi(this.#context, this, this.#steps);
    registerMessageApi(this.#context, this, damaged);
    registerUnsupportedApi(this.#context, this);
    openDirectGet(this.#client, this.#commits, this, damaged);
    this.#api.open();
    for (const stream of this.#streams.values()) stream.open();
  }
}

function unreadable(data: string | undefined, cause: unknown): BrokerError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new BrokerError(
    'data_damaged',
    `the streams in ${data} cannot be read (${reason})`,
    'restore the data directory from a backup',
    cause,
  );
}

function freeSpace({ data, log, diskSpace: look = diskSpace }: JetStreamOptions): FreeSpace | undefined {
  if (data === undefined) return undefined;
  return new FreeSpace(
    () => look(data),
    (low, freeBytes) => {
      if (low)
        log('error', 'the disk is nearly full: new messages are refused', { directory: data, freeBytes });
      else log('info', 'the disk has room again: new messages are taken', { directory: data, freeBytes });
    },
  );
}
