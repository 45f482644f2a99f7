import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import fc from 'fast-check';
import { findProgram, skipWithout } from '../testing/test-servers.ts';
import { negotiateFormat } from './exposition.ts';
import { parseOpenMetrics } from './fixtures/openmetrics.ts';
import { Metrics } from './metrics.ts';
import { processMetrics } from './process-metrics.ts';

/** One of each kind, with what is awkward in each. */
function everyKind(): Metrics {
  const metrics = new Metrics();
  processMetrics(metrics);
  const calls = metrics.counter('flotilla_server_calls', 'Calls handled, by operation and outcome.');
  calls({ operation: 'ledger.hold', code: 'ok' }).add(3);
  calls({ operation: 'ledger.hold', code: 'a "b"\\\n' }).add();
  const seconds = metrics.histogram('flotilla_server_call_seconds', 'Time to "handle" a call\\\nin all.');
  for (const value of [0, 1e-7, 0.001, 0.5, 0.50001, 3, 1000])
    seconds({ operation: 'ledger.hold' }).observe(value);
  seconds({ operation: 'ledger.post' });
  metrics.histogram('message_bytes', 'Size of messages.')().observe(100);
  metrics.histogram('batch_messages', 'Messages in a batch.')().observe(7);
  metrics.gauge('flotilla_breaker_state', '0 closed, 1 half-open, 2 open.', () => [
    [{ service: 'ledger' }, 2],
    [{ service: 'risk' }, Number.POSITIVE_INFINITY],
    [{ service: 'market' }, Number.NaN],
  ]);
  metrics.gauge('flotilla_nothing', 'Has no series.');
  return metrics;
}

test('the Prometheus text has one name for a counter and its samples', () => {
  const metrics = new Metrics();
  metrics.counter('calls', 'Calls \\ of "all"\nkinds.')({ code: 'a "b"\\\n' }).add(2);
  metrics.gauge('in_flight', 'Now.', () => 4);
  assert.equal(
    metrics.render('prometheus'),
    [
      '# TYPE calls_total counter',
      '# HELP calls_total Calls \\\\ of "all"\\nkinds.',
      'calls_total{code="a \\"b\\"\\\\\\n"} 2',
      '# TYPE in_flight gauge',
      '# HELP in_flight Now.',
      'in_flight 4',
      '',
    ].join('\n'),
  );
});

test('the OpenMetrics text names the family of a counter without _total, tells units, and ends', () => {
  const metrics = new Metrics();
  metrics.counter('cpu_seconds', 'CPU "time".', () => 1.5);
  assert.equal(
    metrics.render('openmetrics'),
    [
      '# TYPE cpu_seconds counter',
      '# UNIT cpu_seconds seconds',
      '# HELP cpu_seconds CPU \\"time\\".',
      'cpu_seconds_total 1.5',
      '# EOF',
      '',
    ].join('\n'),
  );
});

test('a distribution is shown with cumulative buckets at powers of two', () => {
  const metrics = new Metrics();
  const size = metrics.histogram('batch_messages', 'Messages in a batch.');
  for (const value of [1, 2, 2, 3, 5000]) size().observe(value);
  const lines = metrics.render('prometheus').split('\n');
  for (const line of [
    'batch_messages_bucket{le="1"} 1',
    'batch_messages_bucket{le="2"} 3',
    'batch_messages_bucket{le="4"} 4',
    'batch_messages_bucket{le="4096"} 4',
    'batch_messages_bucket{le="8192"} 5',
    'batch_messages_bucket{le="+Inf"} 5',
    'batch_messages_sum 5008',
    'batch_messages_count 5',
  ])
    assert.ok(lines.includes(line), `${line} in\n${lines.join('\n')}`);
});

test('bounds are the same at every scrape, whatever was observed', () => {
  const boundsAfter = (...values: number[]) => {
    const metrics = new Metrics();
    const seconds = metrics.histogram('call_seconds', 'Time.');
    for (const value of [0.01, ...values]) seconds().observe(value);
    return [...metrics.render().matchAll(/le="([^"]+)"/g)].map(([, bound]) => bound);
  };
  assert.deepEqual(boundsAfter(), boundsAfter(1e-9, 0.3, 500, 1e6));
});

test('every kind of metric is OpenMetrics that a strict reader accepts, and reads back as it was', () => {
  const families = parseOpenMetrics(everyKind().render('openmetrics'));
  const values = families
    .get('flotilla_server_calls')!
    .samples.map(({ labels, value }) => [labels.get('code'), value]);
  assert.deepEqual(values, [
    ['ok', 3],
    ['a "b"\\\n', 1],
  ]);
  assert.equal(families.get('flotilla_server_call_seconds')!.unit, 'seconds');
  const states = families.get('flotilla_breaker_state')!.samples.map(({ value }) => value);
  assert.deepEqual(states, [2, Number.POSITIVE_INFINITY, Number.NaN]);
});

test('any label value survives the OpenMetrics text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (value) => {
      const metrics = new Metrics();
      metrics.gauge('in_flight', 'Now.')({ value }).set(1);
      const [sample] = parseOpenMetrics(metrics.render('openmetrics')).get('in_flight')!.samples;
      assert.equal(sample!.labels.get('value'), value);
    }),
    { examples: [['\u2028'], ['\r'], ['a"\\\n,b']] },
  );
});

const promtool = findProgram('promtool');

test('promtool has nothing to say about the Prometheus text', {
  skip: skipWithout(promtool, "needs promtool: it is in Debian's package prometheus"),
}, () => {
  const { status, stdout, stderr } = spawnSync(promtool!, ['check', 'metrics'], {
    input: everyKind().render('prometheus'),
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr, status], ['', '', 0]);
});

test('a scrape gets OpenMetrics when it names it and does not prefer the older text', () => {
  const prometheusServer =
    'application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2';
  for (const [accept, format] of [
    [undefined, 'prometheus'],
    ['*/*', 'prometheus'],
    ['text/plain', 'prometheus'],
    ['text/plain;version=0.0.4, application/openmetrics-text; q=0.9', 'prometheus'],
    ['application/openmetrics-text;q=0', 'prometheus'],
    ['application/openmetrics-text; version=2.0.0', 'prometheus'],
    ['application/openmetrics-text; version=1.0.0; charset=utf-8', 'openmetrics'],
    ['Application/OpenMetrics-Text', 'openmetrics'],
    [prometheusServer, 'openmetrics'],
  ] as const)
    assert.equal(negotiateFormat(accept), format, String(accept));
});
