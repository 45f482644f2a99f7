/** Servers that some tests need and npm does not carry. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

const directories = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];

/** Path of a program, or undefined. */
export function findProgram(name: string): string | undefined {
  for (const directory of directories) {
    const path = join(directory, name);
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this directory
    }
  }
  return undefined;
}

/**
 * The `skip` option of a test that needs something this machine may lack: a reason with the way out where it is missing,
 * false where it is there. With FLOTILLA_TEST_NO_SKIP=1 nothing may be skipped, and the test runs and fails.
 */
export function skipWithout(present: unknown, repair: string): string | false {
  if (present || process.env.FLOTILLA_TEST_NO_SKIP === '1') return false;
  return repair;
}
