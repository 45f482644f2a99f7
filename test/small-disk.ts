/** Places that are soon full, and have room again when they are told to. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own in memory; needs root. */
export class SmallFileSystem {
  readonly path: string;

  /** @param size as mount(8) takes it: `8m`. */
  constructor(size: string) {
    this.path = mkdtempSync(join(tmpdir(), 'flotilla-small-disk-'));
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'flotilla-small-disk', this.path]);
  }

  grow(size: string): void {
    execFileSync('mount', ['-o', `remount,size=${size}`, this.path]);
  }

  remove(): void {
    execFileSync('umount', [this.path]);
    rmSync(this.path, { recursive: true });
  }
}

/** Lets no file of the process grow above that many bytes any more. The limit can be lifted again, so it needs no root. */
export function limitFileSize(pid: number, bytes: number): void {
  execFileSync('prlimit', ['--pid', `${pid}`, `--fsize=${bytes}:unlimited`]);
}
