/** The version of this package, for `--version` and for what the platform's own processes say of themselves. */

import { readFileSync } from 'node:fs';

export function packageVersion(): string {
  const file: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return typeof file === 'object' && file !== null && 'version' in file ? String(file.version) : '0.0.0';
}
