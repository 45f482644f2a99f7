/** Where the control socket lies. The path of a Unix socket fits 108 bytes on Linux and 104 on macOS (unix(7)). */

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LONGEST = 100;

export interface SocketPath {
  readonly path: string;
  /** A directory made for it alone, to be removed with it. */
  readonly directory: string | undefined;
}

/** In `run/`, or, when that path is too long, in a fresh directory that only this user can enter. */
export function chooseSocketPath(run: string, temporary = tmpdir()): SocketPath {
  const path = join(run, 'control.sock');
  if (Buffer.byteLength(path) <= LONGEST) return { path, directory: undefined };
  // mkdtemp makes it 0700 and never takes over an existing one.
  const directory = mkdtempSync(join(temporary, 'flotilla-'));
  return { path: join(directory, 'control.sock'), directory };
}
