/** Where a broker keeps what it stores: in a directory of a fleet, or in one of its own. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { layoutOf } from '../data/layout.ts';
import type { FoundFleet } from '../data/which-fleet.ts';

/** What a fleet makes in its data directory before anything else. */
const OF_A_FLEET = ['run', 'logs', 'services', 'broker'];

/**
 * The directory that a fleet's broker has, or, where `--data` names one that is no fleet's, that directory itself: the data directory
 * of `flotilla broker run`.
 */
export function storePlace({ data }: FoundFleet, named: boolean): string {
  const isFleet = OF_A_FLEET.some((name) => existsSync(join(data, name)));
  return named && !isFleet ? data : layoutOf(data).ownDirectory('broker');
}
