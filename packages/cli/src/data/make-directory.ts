import { existsSync, mkdirSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Makes a directory with all above it, each with this mode. Not by the `recursive` of Node: it tries for ever where a directory
 * cannot be made although the one above it is there, as in `/proc`.
 *
 * @throws the error of the operating system.
 */
export function makeDirectory(path: string, mode: number): void {
  const missing: string[] = [];
  for (let at = resolve(path); !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const part of missing) {
    try {
      mkdirSync(part, { mode });
    } catch (error) {
      // Another process was faster.
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}
