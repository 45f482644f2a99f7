/** What a process gives back, and does without, while it has nothing to do. */
import { heapCheck, ownHeap } from './heap-trimmer.ts';
import { compilerCheck, ownCpuShare } from './optimizing-compilers.ts';

export { closedCompilers, setCompilers } from './optimizing-compilers.ts';

const checkEveryMs = 3_000;

/**
 * From now on, whenever this process is idle, its heap is trimmed and V8 compiles nothing; see `heap-trimmer.ts` and
 * `optimizing-compilers.ts`. Keeps no process alive.
 *
 * @returns ends it.
 */
export function restWhenIdle(): () => void {
  return every(compilerCheck(ownCpuShare()), heapCheck(ownHeap()));
}

/** The same without trimming, for a process that must not stand still for the time of a full collection. */
export function closeCompilersWhenIdle(): () => void {
  return every(compilerCheck(ownCpuShare()));
}

function every(...checks: readonly (() => void)[]): () => void {
  const timer = setInterval(() => {
    for (const check of checks) check();
  }, checkEveryMs).unref();
  return () => clearInterval(timer);
}
