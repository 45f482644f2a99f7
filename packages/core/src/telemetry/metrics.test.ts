import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics, processMetrics } from './metrics.ts';

test('the exposition is OpenMetrics text', () => {
  const metrics = new Metrics();
  const calls = metrics.counter('calls', 'Calls.');
  calls({ code: 'ok' }).add();
  calls({ code: 'ok' }).add(2);
  calls({ code: 'a "b"\\\n' }).add();
  const seconds = metrics.histogram('seconds', 'Time.', [0.1, 1]);
  seconds().observe(0.1);
  seconds().observe(0.5);
  seconds().observe(3);
  metrics.gauge('in_flight', 'Now.', () => 4);
  assert.equal(
    metrics.render(),
    [
      '# TYPE calls counter',
      '# HELP calls Calls.',
      'calls_total{code="ok"} 3',
      'calls_total{code="a \\"b\\"\\\\\\n"} 1',
      '# TYPE seconds histogram',
      '# HELP seconds Time.',
      'seconds_bucket{le="0.1"} 1',
      'seconds_bucket{le="1"} 2',
      'seconds_bucket{le="+Inf"} 3',
      'seconds_sum 3.6',
      'seconds_count 3',
      '# TYPE in_flight gauge',
      '# HELP in_flight Now.',
      'in_flight 4',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('a name is registered once', () => {
  const metrics = new Metrics();
  metrics.counter('calls', '');
  assert.throws(() => metrics.gauge('calls', '', () => 1), /calls exists/);
});

test('a process tells its memory and CPU', () => {
  const metrics = new Metrics();
  processMetrics(metrics);
  assert.match(metrics.render(), /process_resident_memory_bytes [1-9]/);
  assert.match(metrics.render(), /process_cpu_seconds [0-9.]+/);
});
