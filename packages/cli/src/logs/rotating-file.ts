/**
 * A log file that is renamed to `.1`, `.2`, … when it is full, the oldest being dropped. Writes are synchronous: they
 * end in the page cache, keep their order, and need no queue that could grow when lines come faster than the disk.
 */

import { closeSync, fstatSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';

export interface Rotation {
  /** Default 10 MB. */
  readonly maxBytes: number;
  /** Files kept, the current one included. Default 3. */
  readonly files: number;
}

export const DEFAULT_ROTATION: Rotation = { maxBytes: 10_000_000, files: 3 };

export class RotatingFile {
  readonly #path: string;
  readonly #rotation: Rotation;
  #descriptor: number;
  #size: number;

  constructor(path: string, rotation: Rotation = DEFAULT_ROTATION) {
    this.#path = path;
    this.#rotation = rotation;
    this.#descriptor = openSync(path, 'a', 0o600);
    this.#size = fstatSync(this.#descriptor).size;
  }

  write(text: string): void {
    const bytes = Buffer.from(text);
    if (this.#size > 0 && this.#size + bytes.length > this.#rotation.maxBytes) this.#rotate();
    for (let written = 0; written < bytes.length; ) {
      written += writeSync(this.#descriptor, bytes, written);
    }
    this.#size += bytes.length;
  }

  close(): void {
    closeSync(this.#descriptor);
  }

  #rotate(): void {
    closeSync(this.#descriptor);
    const name = (index: number): string => (index === 0 ? this.#path : `${this.#path}.${index}`);
    rmSync(name(this.#rotation.files - 1), { force: true });
    for (let index = this.#rotation.files - 2; index >= 0; index--) {
      renameIfThere(name(index), name(index + 1));
    }
    this.#descriptor = openSync(this.#path, 'a', 0o600);
    this.#size = 0;
  }
}

function renameIfThere(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // Somebody cleaned up by hand: nothing to keep.
  }
}
