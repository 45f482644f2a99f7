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
export function restWhenIdle(everyMs = checkEveryMs): () => void {
  const trim = heapCheck(ownHeap());
  const compile = compilerCheck(ownCpuShare());
  const timer = setInterval(() => {
    compile();
    trim();
  }, everyMs).unref();
  return () => clearInterval(timer);
}
