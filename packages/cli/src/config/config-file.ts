/** Where a directory keeps its fleet configuration. Apart from its loading, because most commands need only this. */

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

export const CONFIG_NAMES: readonly string[] = [
  'flotilla.config.ts',
  'flotilla.config.mts',
  'flotilla.config.js',
  'flotilla.config.mjs',
];

/** The configuration file in a directory, or undefined. */
export function configIn(directory: string): string | undefined {
  return CONFIG_NAMES.map((name) => resolve(directory, name)).find((file) => existsSync(file));
}
