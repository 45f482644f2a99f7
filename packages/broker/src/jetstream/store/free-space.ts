/**
 * Whether the disk has room for more messages. A store that runs full can only end: so shortly before, new messages
 * are refused, while everything that makes room (acknowledging, purging, deleting) still works.
 */
import { statfsSync } from 'node:fs';

/** Space that is left to what is not a new message: bytes, and part of the file system if that is less. */
const RESERVE = 64 * 1024 * 1024;
const RESERVED_PART = 0.05;
/** Time between two looks, in ms. */
const LOOK_EVERY_MS = 250;

export interface DiskSpace {
  readonly free: number;
  readonly total: number;
}

/** What the file system of a folder has for this user, in bytes. */
export function diskSpace(folder: string): DiskSpace {
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { free: bavail * bsize, total: blocks * bsize };
}

export class FreeSpace {
  readonly #look: () => DiskSpace;
  readonly #now: () => number;
  readonly #changed: (low: boolean, free: number) => void;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #low = false;

  /** @param changed told when space gets low, and when there is enough again. */
  constructor(
    look: () => DiskSpace,
    changed: (low: boolean, free: number) => void,
    now: () => number = () => performance.now(),
  ) {
    this.#look = look;
    this.#changed = changed;
    this.#now = now;
  }

  /** Looks again if it is time to: after a commit, and before a message is refused. */
  check(): void {
    const now = this.#now();
    if (now - this.#lookedAt < LOOK_EVERY_MS) return;
    this.#lookedAt = now;
    const { free, total } = this.#look();
    const low = free < Math.min(RESERVE, total * RESERVED_PART);
    if (low === this.#low) return;
    this.#low = low;
    this.#changed(low, free);
  }

  get isLow(): boolean {
    if (this.#low) this.check();
    return this.#low;
  }
}
