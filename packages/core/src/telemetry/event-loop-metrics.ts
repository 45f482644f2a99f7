/** How busy the event loop is, how late it is, and what garbage collection takes of it. */
import type { PerformanceEntry } from 'node:perf_hooks';
import { LoopDelayWindows } from './loop-delay.ts';
import type { Metrics } from './metrics.ts';

/** Since this version Node can count the delay of each turn of the loop; before, it needs a timer every 10 ms. */
const perIterationSince = 26;

/** By `detail.kind` of the entries: V8's types of collection. */
const collections: Readonly<Record<number, string>> = {
  1: 'minor',
  2: 'minor',
  4: 'major',
  8: 'incremental',
  16: 'weak',
};

/** @returns what stops the measurement. */
export function eventLoopMetrics(metrics: Metrics): () => void {
  const { monitorEventLoopDelay, performance, PerformanceObserver } =
    process.getBuiltinModule('node:perf_hooks');
  metrics.counter(
    'nodejs_eventloop_seconds',
    'Time that the event loop was at work or waited for some.',
    () => {
      const { active, idle } = performance.eventLoopUtilization();
      return [
        [{ state: 'active' }, active / 1000],
        [{ state: 'idle' }, idle / 1000],
      ] as const;
    },
  );

  const seconds = metrics.histogram('nodejs_gc_seconds', 'Pauses for garbage collection.');
  const observer = new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) {
      const kind = collections[(entry as CollectionEntry).detail?.kind ?? 1] ?? 'other';
      seconds({ kind }).observe(entry.duration / 1000);
    }
  });
  observer.observe({ entryTypes: ['gc'] });

  const [major = '0'] = process.versions.node.split('.');
  if (Number(major) < perIterationSince) return () => observer.disconnect();
  const histogram = monitorEventLoopDelay({ samplePerIteration: true });
  histogram.enable();
  const delay = new LoopDelayWindows(histogram, performance.now());
  metrics.gauge(
    'nodejs_eventloop_delay_seconds',
    'How late the event loop was in the last 10 to 20 s.',
    () => {
      const { mean, p99, max } = delay.read(performance.now());
      return [
        [{ stat: 'mean' }, mean],
        [{ stat: 'p99' }, p99],
        [{ stat: 'max' }, max],
      ] as const;
    },
  );
  return () => {
    histogram.disable();
    observer.disconnect();
  };
}

interface CollectionEntry extends PerformanceEntry {
  readonly detail?: { readonly kind?: number };
}
