/**
 * What every process tells of itself, named as Prometheus' client libraries name it. Read when somebody asks: without
 * timers, so that an idle process stays idle.
 */
import { readdirSync } from 'node:fs';
import { eventLoopMetrics } from './event-loop-metrics.ts';
import type { Metrics } from './metrics.ts';

/**
 * Registers memory, CPU, open files and sockets, the state of the event loop and the start of the process.
 *
 * @returns what stops the measurement.
 */
export function processMetrics(metrics: Metrics): () => void {
  const startedAt = Date.now() / 1000 - process.uptime();
  metrics.gauge('process_start_time_seconds', 'When the process started, Unix time.', () => startedAt);
  metrics.counter('process_cpu_seconds', 'CPU time used, user and system.', () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  });
  metrics.gauge('process_resident_memory_bytes', 'Resident memory.', () => process.memoryUsage.rss());
  metrics.gauge('nodejs_memory_bytes', 'Memory of the JavaScript engine by kind.', () => {
    const { heapUsed, heapTotal, external, arrayBuffers } = process.memoryUsage();
    return [
      [{ kind: 'heap_used' }, heapUsed],
      [{ kind: 'heap_total' }, heapTotal],
      [{ kind: 'external' }, external],
      [{ kind: 'array_buffers' }, arrayBuffers],
    ] as const;
  });
  metrics.gauge('nodejs_active_resources', 'What keeps the process alive, by type: sockets, timers, …', () =>
    countByType(process.getActiveResourcesInfo()),
  );
  if (process.platform === 'linux')
    // The directory that is read is open itself while it is read.
    metrics.gauge(
      'process_open_fds',
      'Open files, sockets among them.',
      () => readdirSync('/proc/self/fd').length - 1,
    );
  return eventLoopMetrics(metrics);
}

function* countByType(types: readonly string[]): Iterable<readonly [{ readonly type: string }, number]> {
  for (const [type, found] of Map.groupBy(types, (each) => each)) yield [{ type }, found.length];
}
