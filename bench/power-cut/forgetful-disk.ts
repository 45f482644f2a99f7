/**
 * A directory as it may look after the power failed: the process that writes to it runs with `power-cut.c` preloaded
 * and is killed, and `cutPower` takes back what no flush had made lasting.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from 'flotilla/testing';
import { type Change, type ChangedBytes, type ChangedName, changesAtRisk } from './undo-log.ts';

/**
 * What is left of the changes that were at risk: `nothing` of them, a `torn` last one (a first part of it, and all
 * before it), or `scattered` sectors of all of them, as a disk that reorders writes may leave them.
 */
export type Remains = 'nothing' | 'torn' | 'scattered';

/** What a disk writes as a whole. */
const SECTOR = 512;

/** Builds the library that is preloaded; undefined where there is no C compiler. */
export function buildPowerCut(folder: string): string | undefined {
  const compiler = ['cc', 'gcc', 'clang'].map(findProgram).find((path) => path !== undefined);
  if (compiler === undefined) return undefined;
  const library = join(folder, 'power-cut.so');
  const source = join(import.meta.dirname, 'power-cut.c');
  execFileSync(compiler, [
    '-shared',
    '-fPIC',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-o',
    library,
    source,
    '-ldl',
    '-pthread',
  ]);
  return library;
}

export class ForgetfulDisk {
  /** Where the process keeps its files. */
  readonly root: string;
  readonly #folder: string;
  readonly #log: string;
  readonly #library: string;

  constructor(library: string) {
    this.#library = library;
    // One folder for both: what is removed is kept by a link, which does not cross file systems.
    this.#folder = mkdtempSync(join(tmpdir(), 'flotilla-power-cut-'));
    this.root = join(this.#folder, 'root');
    this.#log = join(this.#folder, 'log');
    for (const path of [this.root, this.#log]) mkdirSync(path);
  }

  /** For the process that uses the disk. */
  get environment(): Readonly<Record<string, string>> {
    return { LD_PRELOAD: this.#library, POWER_CUT_ROOT: this.root, POWER_CUT_LOG: this.#log };
  }

  /** The next flush of a file fails with EIO, and what it should have flushed is lost. */
  failNextFlush(): void {
    writeFileSync(join(this.#log, 'fail-sync'), '');
  }

  /**
   * To be called when the process is dead. Afterwards the directory is what the next process finds, all of it lasting.
   *
   * @param random gives numbers in [0, 1).
   * @returns how many changes were at risk.
   */
  cutPower(remains: Remains = 'nothing', random: () => number = Math.random): number {
    const log = join(this.#log, 'undo');
    const atRisk = existsSync(log) ? changesAtRisk(readFileSync(log)) : [];
    this.#takeBackBytes(atRisk, remains, random);
    if (remains === 'nothing') takeBackNames(atRisk);
    rmSync(this.#log, { recursive: true });
    mkdirSync(this.#log);
    return atRisk.length;
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #takeBackBytes(atRisk: readonly Change[], remains: Remains, random: () => number): void {
    const paths = pathsByInode([this.root, this.#log]);
    const changes = Map.groupBy(
      atRisk.filter((change) => change.kind === 'bytes'),
      ({ file }) => file,
    );
    const last = atRisk.findLast((change) => change.kind === 'bytes');
    for (const [file, ofFile] of changes) {
      const path = paths.get(file);
      if (path === undefined) continue;
      const now = readFileSync(path);
      if (remains === 'nothing') writeFileSync(path, before(now, ofFile));
      else if (remains === 'scattered')
        writeFileSync(
          path,
          mixed(now, before(now, ofFile), () => random() < 0.5),
        );
      else if (last !== undefined && last.file === file) {
        const written = Math.max(last.old.length, now.length - last.offset);
        const end = last.offset + Math.floor((random() * written) / SECTOR) * SECTOR;
        writeFileSync(
          path,
          mixed(now, before(now, [last]), (offset) => offset < end),
        );
      }
    }
  }
}

/** The file as it was before these changes. */
function before(now: Buffer, changes: readonly ChangedBytes[]): Buffer {
  const content = Buffer.alloc(changes.reduce((most, { size }) => Math.max(most, size), now.length));
  now.copy(content);
  let length = now.length;
  for (const { offset, old, size } of changes.toReversed()) {
    old.copy(content, offset);
    length = size;
  }
  return content.subarray(0, length);
}

/** Sector by sector the one or the other. */
function mixed(now: Buffer, earlier: Buffer, takesNow: (offset: number) => boolean): Buffer {
  const result = Buffer.alloc(Math.max(now.length, earlier.length));
  let end = earlier.length;
  earlier.copy(result);
  for (let offset = 0; offset < now.length; offset += SECTOR) {
    const until = Math.min(offset + SECTOR, now.length);
    if (now.subarray(offset, until).equals(result.subarray(offset, until)) || !takesNow(offset)) continue;
    now.copy(result, offset, offset, until);
    end = Math.max(end, until);
  }
  return result.subarray(0, end);
}

function takeBackNames(atRisk: readonly Change[]): void {
  const names = atRisk.filter((change): change is ChangedName => change.kind !== 'bytes');
  for (const change of names.toReversed()) {
    if (change.kind === 'created') rmSync(change.path, { force: true });
    else if (change.kind === 'renamed') {
      if (existsSync(change.to)) renameSync(change.to, change.from);
    } else if (existsSync(change.kept)) {
      rmSync(change.path, { force: true });
      linkSync(change.kept, change.path);
    }
  }
}

function pathsByInode(folders: readonly string[]): Map<number, string> {
  const paths = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name)),
  );
  return new Map(paths.map((path) => [statSync(path).ino, path]));
}
