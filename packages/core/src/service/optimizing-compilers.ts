/**
 * V8's optimizing compilers, Maglev and TurboFan, in a process that is mostly idle. They are large: to compile a single small
 * function touches some 10 MB of their own machine code, which stay in the memory of the process. In one that starts, that function is
 * one of Node's module loader and never called again; in one that waits, it belongs to a timer. So the compilers are closed while a
 * process loads its code, opened when it starts to work, and closed again while it has nothing to do. What is compiled stays so.
 */
import { setFlagsFromString } from 'node:v8';

/** Options of Node that start a process with its compilers closed. */
export const closedCompilers: readonly string[] = optionsFor('~');

/** Every function may be compiled, or none. */
export function setCompilers(state: 'open' | 'closed'): void {
  for (const option of optionsFor(state === 'open' ? '*' : '~')) setFlagsFromString(option);
}

/** Filters, and not the flags that turn the compilers off: code that is made without these would never ask for a better one. */
function optionsFor(filter: string): string[] {
  return [`--turbo-filter=${filter}`, `--maglev-filter=${filter}`];
}

/** Share of a core from which compiling pays. An idle broker uses 0.01, an idle service less. */
const busyShare = 0.03;

/** Closes them, and gives one check of how busy the process was since the last one; to be called again and again. */
export function compilerCheck(
  cpuShare: () => number,
  set: (state: 'open' | 'closed') => void = setCompilers,
): () => void {
  let isOpen = false;
  set('closed');
  return () => {
    const isBusy = cpuShare() >= busyShare;
    if (isBusy === isOpen) return;
    isOpen = isBusy;
    set(isOpen ? 'open' : 'closed');
  };
}

/** Share of one core that this process used since this was last asked. */
export function ownCpuShare(): () => number {
  let lastMs = performance.now();
  let last = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(last);
    const nowMs = performance.now();
    const share = (user + system) / 1000 / (nowMs - lastMs);
    lastMs = nowMs;
    last = process.cpuUsage();
    return share;
  };
}
