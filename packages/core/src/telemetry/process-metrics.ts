/** What every process tells of itself, named as Prometheus' client libraries name it. Read when asked, no timers. */
import type { Metrics } from './metrics.ts';

/** Registers memory, CPU, handles, the state of the event loop and the start of the process. */
export function processMetrics(metrics: Metrics): void {
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
}
