/** How the store of a broker is: its place, its size, and how long it takes to make something durable. */
import { statSync } from 'node:fs';
import type { FlushTimes } from './store/flush-times.ts';
import { diskSpace } from './store/free-space.ts';
import type { Shelf } from './stores.ts';

export interface StoreStatus {
  readonly directory: string;
  readonly durability: 'disk' | 'process';
  /** Size of its files. */
  readonly diskBytes: number;
  /** What its file system has left for the broker's user. */
  readonly freeBytes: number;
  /** Commits since the start, and how long the last 1024 of them took. */
  readonly commits: number;
  readonly commitP50Ms: number;
  readonly commitP99Ms: number;
  /** Messages that were found to be damaged when they were read, since the start. */
  readonly damagedRecords: number;
}

export function storeStatus(
  directory: string,
  durability: 'disk' | 'process',
  shelves: Iterable<Shelf>,
  flushTimes: FlushTimes,
  damagedRecords: number,
): StoreStatus {
  let diskBytes = 0;
  for (const { store } of shelves) {
    if (store.durability === 'memory') continue;
    diskBytes += sizeOf(store.path) + sizeOf(`${store.path}-wal`);
  }
  return {
    directory,
    durability,
    diskBytes,
    freeBytes: diskSpace(directory).free,
    commits: flushTimes.count,
    commitP50Ms: flushTimes.percentile(0.5),
    commitP99Ms: flushTimes.percentile(0.99),
    damagedRecords,
  };
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
