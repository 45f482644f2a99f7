/** What a process and all below it use, as Linux tells it in `/proc` (proc(5)). */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessUse {
  readonly pid: number;
  /** Resident memory: every page that is mapped, in MiB. What processes share is counted in each of them. */
  readonly rssMiB: number;
  /** Proportional share: a page that n processes share counts 1/n in each. */
  readonly pssMiB: number;
  /** CPU time since its start, user and system, in milliseconds. */
  readonly cpuMs: number;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly cpuMs: number;
}

/** `USER_HZ`, which is 100 on every architecture that Node runs on. */
const msPerTick = 10;

/** The process `root` and its descendants that live now, in the order of their pids. */
export function processTree(root: number): ProcessUse[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => statOf(Number(name)) ?? []);
  const members = new Set([root]);
  for (let size = 0; size !== members.size; ) {
    size = members.size;
    for (const { pid, parent } of all) if (members.has(parent)) members.add(pid);
  }
  return all
    .filter(({ pid }) => members.has(pid))
    .sort((a, b) => a.pid - b.pid)
    .flatMap(({ pid, cpuMs }) => {
      const memory = memoryOf(pid);
      return memory === undefined ? [] : [{ pid, cpuMs, ...memory }];
    });
}

/** Undefined when it has ended in between. */
function statOf(pid: number): Stat | undefined {
  const text = read(`/proc/${pid}/stat`);
  if (text === undefined) return undefined;
  // The name in field 2 may contain anything, ")" too.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const ticks = Number(fields[11]) + Number(fields[12]);
  return { pid, parent: Number(fields[1]), cpuMs: ticks * msPerTick };
}

function memoryOf(pid: number): { readonly rssMiB: number; readonly pssMiB: number } | undefined {
  const text = read(`/proc/${pid}/smaps_rollup`);
  if (text === undefined) return undefined;
  const mebibytes = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1]) / 1024;
  return { rssMiB: mebibytes('Rss'), pssMiB: mebibytes('Pss') };
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
