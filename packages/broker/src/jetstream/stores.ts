/** The databases of a broker, one for each durability that is in use, and which streams are in which. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { apiError } from './api/api-error.ts';
import type { Steps } from './steps.ts';
import { Clearing } from './store/clearing.ts';
import type { Durability } from './store/database.ts';
import type { FreeSpace } from './store/free-space.ts';
import type { GroupCommit } from './store/group-commit.ts';
import { ConsumerStatements } from './store/sqlite-consumer-rows.ts';
import { Store } from './store/store.ts';
import { StreamRows } from './store/stream-rows.ts';
import { DURABILITY_KEY, type StreamConfig } from './stream/stream-config.ts';

/** A database with what is needed to keep streams in it. */
export interface Shelf {
  readonly store: Store;
  readonly rows: StreamRows;
  readonly consumers: ConsumerStatements;
  readonly clearing: Clearing;
}

export class Stores {
  readonly #folder: string | undefined;
  readonly #durability: 'disk' | 'process';
  readonly #commits: GroupCommit;
  readonly #steps: Steps;
  readonly #space: FreeSpace | undefined;
  readonly #shelves = new Map<Durability, Shelf>();

  /**
   * Opens what there is.
   *
   * @param folder that holds the files; without it there is only memory.
   * @param durability of streams with `storage: file` that ask for none.
   * @param space of the disk that the folder is on.
   * @throws BrokerError when a file cannot be used; then none stays open.
   */
  constructor(
    folder: string | undefined,
    durability: 'disk' | 'process',
    commits: GroupCommit,
    steps: Steps,
    space: FreeSpace | undefined,
  ) {
    this.#space = space;
    this.#folder = folder;
    this.#durability = durability;
    this.#commits = commits;
    this.#steps = steps;
    try {
      this.#shelf('memory');
      if (folder === undefined) return;
      // Always, because its lock is the lock of the folder.
      this.#shelf('disk');
      if (existsSync(this.#path('process'))) this.#shelf('process');
    } catch (error) {
      this.close();
      throw error;
    }
  }

  all(): Iterable<Shelf> {
    return this.#shelves.values();
  }

  /** Where a new stream goes. @throws ApiError when that storage is not there. */
  shelfFor(config: StreamConfig): Shelf {
    if (config.storage === 'memory') return this.#shelf('memory');
    if (this.#folder === undefined || this.#space?.isLow) throw apiError('storageResourcesExceeded');
    const asked = config.metadata?.[DURABILITY_KEY];
    return this.#shelf(asked === 'process' || asked === 'disk' ? asked : this.#durability);
  }

  close(): void {
    for (const { store } of this.#shelves.values()) store.close();
    this.#shelves.clear();
  }

  #shelf(durability: Durability): Shelf {
    const existing = this.#shelves.get(durability);
    if (existing !== undefined) return existing;
    const space = durability === 'memory' ? undefined : this.#space;
    const store = new Store(this.#path(durability), durability, this.#commits, space);
    const rows = new StreamRows(store);
    const consumers = new ConsumerStatements(store);
    const shelf = { store, rows, consumers, clearing: new Clearing(store, rows, this.#steps) };
    this.#shelves.set(durability, shelf);
    return shelf;
  }

  #path(durability: Durability): string {
    return durability === 'memory' ? ':memory:' : join(this.#folder ?? '', `${durability}.sqlite`);
  }
}
