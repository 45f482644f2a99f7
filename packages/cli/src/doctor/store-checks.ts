/** What can be wrong with what the broker keeps: looked at directly while it does not run, and asked of it while it does. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isBrokerError, storeFailure } from '../backup/store-failure.ts';
import type { Layout } from '../data/layout.ts';
import { messageOf } from '../failure.ts';
import { bytes, milliseconds } from '../output/quantity.ts';
import type { ToldStatus } from '../streams/broker-status.ts';
import { type Finding, note, ok, problem } from './finding.ts';

const CHECK = 'broker store';
/** From here on a disk is nearly full: SQLite's log alone may grow to a good part of it. */
const LEAST_FREE_BYTES = 200_000_000;
/** From here on a disk is too slow to acknowledge on. */
const SLOW_COMMIT_MS = 100;

/** While no broker of the fleet runs. */
export async function idleStoreFinding(layout: Layout): Promise<Finding> {
  const directory = layout.ownDirectory('broker');
  const { STORE_FILES, storeHealth } = await import('@flotilla/broker/backup');
  if (!STORE_FILES.some((file) => existsSync(join(directory, file)))) {
    return ok(CHECK, `nothing is stored in ${directory} yet`);
  }
  try {
    const { streams, messages, bytes: size } = storeHealth(directory);
    return ok(CHECK, `${bytes(size)} in ${directory}: ${messages} messages, streams: ${streams}`);
  } catch (error) {
    if (!isBrokerError(error)) return damaged(messageOf(error), directory);
    const { message, repair } = storeFailure(error, 'store_damaged');
    return problem(CHECK, message, repair ?? RESTORE);
  }
}

const RESTORE =
  'restore a backup: flotilla broker restore <directory>; or move the file away to start with an empty store';

function damaged(reason: string, directory: string): Finding {
  return problem(CHECK, `${directory} cannot be read: ${reason}`, RESTORE);
}

/** @param told by the running broker; null when the fleet uses a NATS server of its own. */
export function runningStoreFindings(told: ToldStatus | null, natsUrl: string): Finding[] {
  if (told === null)
    return [note(CHECK, `messages are kept by the NATS server at ${natsUrl}, which is not examined`)];
  const { store } = told;
  if (store === null) return [note(CHECK, 'the broker has no data directory: what it stores ends with it')];
  const { directory, durability, diskBytes, freeBytes, commits, commitP99Ms, damagedRecords } = store;
  const findings: Finding[] = [];
  if (damagedRecords > 0) {
    findings.push(
      problem(
        CHECK,
        `the broker came upon ${damagedRecords} damaged records`,
        'see which with: flotilla logs broker; restore a backup, or delete them with a NATS tool: nats stream rmm <stream> <sequence>',
      ),
    );
  }
  if (freeBytes < LEAST_FREE_BYTES) {
    findings.push(
      problem(
        CHECK,
        `only ${bytes(freeBytes)} free where ${directory} lies; the broker stops when it cannot write`,
        'make room, or let streams keep less (flotilla stream ls shows which are large)',
      ),
    );
  }
  if (commits > 0 && commitP99Ms >= SLOW_COMMIT_MS) {
    findings.push(
      note(CHECK, `every hundredth commit takes ${milliseconds(commitP99Ms)}: the disk is slow or busy`),
    );
  }
  if (findings.length > 0) return findings;
  return [ok(CHECK, `${bytes(diskBytes)} in ${directory}, ${durability}, no damaged record was found`)];
}
