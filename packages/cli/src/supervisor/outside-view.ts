/** What the operating system shows of a process: whether its main thread runs, and how much CPU time it has had. */

import { readFileSync } from 'node:fs';
import type { Reading } from '../supervision/liveness.ts';

/** USER_HZ, the unit of CPU times in proc(5): 100 on every Linux that Node runs on. */
const MS_PER_TICK = 10;

/** Of its main thread alone, which turns the event loop. Undefined where there is no /proc, and for a process that is gone. */
export function viewProcess(pid: number): Reading | undefined {
  if (process.platform !== 'linux') return undefined;
  try {
    return parseStat(readFileSync(`/proc/${pid}/task/${pid}/stat`, 'latin1'));
  } catch {
    return undefined;
  }
}

/** proc(5): state is field 3, utime and stime are 14 and 15. The name in field 2 may contain anything, ")" too. */
export function parseStat(stat: string): Reading | undefined {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [state] = fields;
  const ticks = Number(fields[11]) + Number(fields[12]);
  return state === undefined || Number.isNaN(ticks) ? undefined : { state, cpuMs: ticks * MS_PER_TICK };
}
