/**
 * The suite `idle`: what the Exchange fleet (supervisor, broker, gateway and eight services) uses while nobody wants
 * anything of it. Its simulated participants are load, so they are off.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { StartedFleet, until } from '../fleet/started-fleet.ts';
import { median } from '../statistics.ts';
import { type ProcessUse, processTree } from './process-tree.ts';

export interface IdleOptions {
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

export interface IdleRow {
  /** Instance, `flotilla` for the supervisor, or `all`. */
  readonly name: string;
  readonly rssMiB: number;
  readonly pssMiB: number;
  /** Percent of one core. */
  readonly cpuPercent: number;
}

/** A fleet is idle when it used less than this share of a core over `calmMs`. Connections and code settle until then. */
const calmPercent = 10;
const calmMs = 5_000;

export async function runIdle({ rounds, seconds, talk }: IdleOptions): Promise<IdleRow[]> {
  if (process.platform !== 'linux') throw new Error('the suite idle reads /proc, which Linux alone has');
  const measured = new Map<string, IdleRow[]>();
  // The first start after a change of the code compiles it and so is not like any other.
  for (let round = 0; round <= rounds; round++) {
    talk(round === 0 ? 'a first start, which compiles' : `round ${round} of ${rounds}`);
    const rows = await measureOnce(round === 0 ? 0 : seconds);
    if (round === 0) continue;
    for (const row of rows) measured.set(row.name, [...(measured.get(row.name) ?? []), row]);
  }
  return [...measured.values()].map((rows) => ({
    name: rows[0]!.name,
    rssMiB: medianOf(rows, 'rssMiB'),
    pssMiB: medianOf(rows, 'pssMiB'),
    cpuPercent: medianOf(rows, 'cpuPercent'),
  }));
}

function medianOf(rows: readonly IdleRow[], figure: 'rssMiB' | 'pssMiB' | 'cpuPercent'): number {
  return Number(median(rows.map((row) => row[figure])).toFixed(1));
}

async function measureOnce(seconds: number): Promise<IdleRow[]> {
  const fleet = new StartedFleet({ EXCHANGE_PARTICIPANTS: 'false' });
  try {
    const supervisor = (await fleet.ready()).pid!;
    if (seconds === 0) {
      await fleet.interrupt();
      return [];
    }
    await untilCalm(supervisor);
    const before = new Map(processTree(supervisor).map((each) => [each.pid, each]));
    const startedAt = performance.now();
    await pause(seconds * 1000);
    const after = processTree(supervisor);
    const elapsedMs = performance.now() - startedAt;
    const names = new Map([...fleet.pids()].map(([instance, pid]) => [pid, instance]));
    names.set(supervisor, 'flotilla');
    const rows = after.map((use) => ({
      name: names.get(use.pid) ?? `other ${use.pid}`,
      rssMiB: use.rssMiB,
      pssMiB: use.pssMiB,
      cpuPercent: (100 * (use.cpuMs - (before.get(use.pid)?.cpuMs ?? 0))) / elapsedMs,
    }));
    const total = (figure: 'rssMiB' | 'pssMiB' | 'cpuPercent') =>
      rows.reduce((sum, row) => sum + row[figure], 0);
    const all = {
      name: 'all',
      rssMiB: total('rssMiB'),
      pssMiB: total('pssMiB'),
      cpuPercent: total('cpuPercent'),
    };
    await fleet.interrupt();
    return [...rows, all];
  } finally {
    fleet.close();
  }
}

async function untilCalm(supervisor: number): Promise<void> {
  let before = cpuMs(processTree(supervisor));
  await until(async () => {
    await pause(calmMs);
    const now = cpuMs(processTree(supervisor));
    const percent = (100 * (now - before)) / calmMs;
    before = now;
    return percent < calmPercent;
  });
}

function cpuMs(tree: readonly ProcessUse[]): number {
  return tree.reduce((sum, each) => sum + each.cpuMs, 0);
}
