import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';
import { processMetrics } from './process-metrics.ts';

test('a process tells its memory, CPU time and start', () => {
  const metrics = new Metrics();
  processMetrics(metrics);
  const text = metrics.render('prometheus');
  assert.match(text, /^process_resident_memory_bytes [1-9]/m);
  assert.match(text, /^process_cpu_seconds_total [0-9.]+$/m);
  assert.match(text, /^process_start_time_seconds 1[0-9]{9}/m);
  assert.match(text, /^nodejs_memory_bytes\{kind="heap_used"\} [1-9]/m);
});
