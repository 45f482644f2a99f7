/**
 * Gives back what a process does not need while it is idle. V8 keeps what the start (or a burst of load) left behind
 * until allocations make it collect, which in an idle process is never: some 10 MB each, a tenth of an idle fleet.
 */
import { performance } from 'node:perf_hooks';
import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Share of the time since the last check below which the event loop counts as idle. */
const idleUtilization = 0.05;
/** A trim takes 40 to 80 ms below this size, in bytes. A larger heap would stand still for longer: it is V8's matter. */
const largestHeap = 64 * 2 ** 20;
/** Growth of the heap since the last trim, in bytes, from which another one pays. */
const worthwhileGrowth = 4 * 2 ** 20;

export interface Heap {
  /** Bytes that the heap takes from the system. */
  size(): number;
  /** Share of time, from 0 to 1, that the event loop was busy since this was last asked. */
  utilization(): number;
  collect(): void;
}

/** One check, which trims the heap when the process is idle and has grown since the last time; to be called again and again. */
export function heapCheck(heap: Heap): () => void {
  let trimmedTo = 0;
  return () => {
    const idle = heap.utilization() < idleUtilization;
    const size = heap.size();
    if (!idle || size > largestHeap || size - trimmedTo < worthwhileGrowth) return;
    heap.collect();
    trimmedTo = heap.size();
  };
}

export function ownHeap(): Heap {
  let collect: ((options: object) => void) | undefined;
  let last = performance.eventLoopUtilization();
  return {
    size: () => getHeapStatistics().total_heap_size,
    utilization() {
      const now = performance.eventLoopUtilization();
      const { utilization } = performance.eventLoopUtilization(now, last);
      last = now;
      return utilization;
    },
    collect() {
      if (collect === undefined) {
        // As a flag of the process it would keep it from using code that others have compiled; a new context has it too.
        setFlagsFromString('--expose-gc');
        collect = runInNewContext('gc') as (options: object) => void;
      }
      // What is compiled stays so: the next call should not be slow for having come after a rest.
      setFlagsFromString('--no-flush-bytecode');
      // The only collection that also gives the empty pages back.
      collect({ type: 'major', flavor: 'last-resort' });
      setFlagsFromString('--flush-bytecode');
    },
  };
}
