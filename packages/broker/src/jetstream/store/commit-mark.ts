/**
 * A small file beside the database that says how many commits there have been. SQLite takes a write-ahead log up to the
 * first place that does not make sense, and forgets the rest without a word: that is right for a commit that was cut
 * off by a crash, and wrong for commits that were acknowledged and damaged since. A database that has fewer commits
 * than its mark has lost some.
 *
 * Written after each commit, and not flushed: after a loss of power it may be older than the database, never newer.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { Statement } from './statement.ts';

const BYTES = 12;

export function markOf(path: string): string {
  return `${path}-mark`;
}

/** Commits that a database has. */
export function commitsOf(database: DatabaseSync): number {
  return new Statement<[number]>(database, 'SELECT commits FROM numbers').get()?.[0] ?? 0;
}

/** How many commits the database has lost since its mark was written; 0 when none is known. */
export function lostCommits(path: string, database: DatabaseSync): number {
  return Math.max(0, readMark(path) - commitsOf(database));
}

export class CommitMark {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(BYTES);

  /** @param path of the database. */
  constructor(path: string) {
    // Not cut short: what it says counts until the next commit.
    this.#file = openMark(path, 'r+') ?? openSync(markOf(path), 'w+', 0o600);
  }

  write(commits: number): void {
    encode(this.#bytes, commits);
    writeSync(this.#file, this.#bytes, 0, BYTES, 0);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function readMark(path: string): number {
  const file = openMark(path, 'r');
  if (file === undefined) return 0;
  try {
    const bytes = Buffer.alloc(BYTES);
    const commits = readSync(file, bytes, 0, BYTES, 0) === BYTES ? bytes.readDoubleLE(0) : 0;
    const expected = encode(Buffer.alloc(BYTES), commits);
    // A mark that was cut off says nothing.
    return expected.equals(bytes) ? commits : 0;
  } finally {
    closeSync(file);
  }
}

function openMark(path: string, flags: 'r' | 'r+'): number | undefined {
  try {
    return openSync(markOf(path), flags);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function encode(bytes: Buffer, commits: number): Buffer {
  bytes.writeDoubleLE(commits, 0);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 8)), 8);
  return bytes;
}
