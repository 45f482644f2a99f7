import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { waitFor } from '../testing/wait-for.ts';
import { Metrics } from './metrics.ts';
import { processMetrics } from './process-metrics.ts';

function measured(): { metrics: Metrics; stop: () => void; value(name: string, label?: string): number } {
  const metrics = new Metrics();
  const stop = processMetrics(metrics);
  const value = (name: string, label?: string) => {
    const family = metrics.snapshot().find((candidate) => candidate.name === name);
    const series = family?.series.find(
      ({ labels }) => label === undefined || Object.values(labels).includes(label),
    );
    return series?.value ?? series?.distribution?.count ?? 0;
  };
  return { metrics, stop, value };
}

test('a process tells its memory, CPU time, start and open files', () => {
  const { metrics, stop, value } = measured();
  assert.ok(value('process_resident_memory_bytes') > 1e6);
  assert.ok(value('process_cpu_seconds') > 0);
  assert.ok(value('nodejs_memory_bytes', 'heap_used') > 1e6);
  assert.ok(Math.abs(value('process_start_time_seconds') * 1000 - performance.timeOrigin) < 1_000);
  assert.match(metrics.render('prometheus'), /^process_cpu_seconds_total [0-9.]+$/m);
  if (process.platform === 'linux') assert.ok(value('process_open_fds') > 2);
  stop();
});

test('sockets are counted while they are open', async () => {
  const { stop, value } = measured();
  const before = value('nodejs_active_resources', 'TCPServerWrap');
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  assert.equal(value('nodejs_active_resources', 'TCPServerWrap'), before + 1);
  await new Promise((resolve) => server.close(resolve));
  // The handle is closed a turn after the server says so.
  await waitFor(() => value('nodejs_active_resources', 'TCPServerWrap') === before);
  stop();
});

test('a blocked event loop is seen, and its time at work', async () => {
  const { stop, value } = measured();
  const active = value('nodejs_eventloop_seconds', 'active');
  await new Promise((resolve) => setImmediate(resolve));
  const until = performance.now() + 60;
  while (performance.now() < until);
  await waitFor(() => value('nodejs_eventloop_delay_seconds', 'max') >= 0.05);
  assert.ok(value('nodejs_eventloop_seconds', 'active') > active);
  stop();
});

test('pauses for garbage collection are counted by kind', async () => {
  const { stop, value } = measured();
  await waitFor(() => {
    const garbage = Array.from({ length: 50_000 }, (_, index) => ({ index, text: String(index) }));
    return garbage.length > 0 && value('nodejs_gc_seconds', 'minor') > 0;
  });
  stop();
});
