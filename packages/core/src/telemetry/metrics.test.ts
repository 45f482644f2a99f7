import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';
import { overflowLabels, seriesLimit } from './series.ts';

/** The values of a family by its labels. */
function valuesOf(metrics: Metrics, name: string): unknown {
  const family = metrics.snapshot().find((candidate) => candidate.name === name);
  return family?.series.map(({ labels, value }) => [labels, value]);
}

test('a counter counts by labels, in whatever order they are named', () => {
  const metrics = new Metrics();
  const calls = metrics.counter('calls', 'Calls.');
  calls({ operation: 'hold', code: 'ok' }).add();
  calls({ code: 'ok', operation: 'hold' }).add(2);
  calls({ operation: 'hold', code: 'internal' }).add();
  assert.deepEqual(valuesOf(metrics, 'calls'), [
    [{ operation: 'hold', code: 'ok' }, 3],
    [{ operation: 'hold', code: 'internal' }, 1],
  ]);
});

test('a gauge keeps what was set, by labels', () => {
  const metrics = new Metrics();
  const waiting = metrics.gauge('waiting', 'Now.');
  waiting({ service: 'ledger' }).set(4);
  waiting({ service: 'ledger' }).add(-1);
  waiting().set(7);
  assert.deepEqual(valuesOf(metrics, 'waiting'), [
    [{ service: 'ledger' }, 3],
    [{}, 7],
  ]);
});

test('a series whose subject is gone can be forgotten', () => {
  const metrics = new Metrics();
  const state = metrics.gauge('state', 'Now.');
  state({ instance: 'a' }).set(1);
  state({ instance: 'b' }).set(2);
  state.remove({ instance: 'a' });
  assert.deepEqual(valuesOf(metrics, 'state'), [[{ instance: 'b' }, 2]]);
});

test('a gauge or counter that is kept elsewhere is read when somebody asks, with or without labels', () => {
  const metrics = new Metrics();
  let reads = 0;
  metrics.gauge('in_flight', 'Now.', () => ++reads);
  metrics.counter('seen', 'So far.', () => [
    [{ kind: 'a' }, 1],
    [{ kind: 'b' }, 2],
  ]);
  assert.equal(reads, 0);
  assert.deepEqual(valuesOf(metrics, 'in_flight'), [[{}, 1]]);
  assert.deepEqual(valuesOf(metrics, 'seen'), [
    [{ kind: 'a' }, 1],
    [{ kind: 'b' }, 2],
  ]);
});

test('a name is registered once, with or without _total', () => {
  const metrics = new Metrics();
  metrics.counter('calls_total', 'Calls.');
  assert.throws(() => metrics.gauge('calls', 'Calls.', () => 1), /calls exists/);
});

test('names that a format cannot carry are refused', () => {
  const metrics = new Metrics();
  assert.throws(() => metrics.counter('callsMade', 'Calls.'), /cannot name a metric/);
  assert.throws(() => metrics.histogram('seconds', 'Time.')({ le: '1' }), /cannot be a label/);
  assert.throws(() => metrics.counter('calls', 'Calls.')({ 'a-b': '1' }), /cannot be a label/);
});

test('labels that somebody fills with ids take no more memory than the limit', () => {
  const metrics = new Metrics();
  const calls = metrics.counter('calls', 'Calls.');
  for (let id = 0; id < seriesLimit + 50; id++) calls({ id: String(id) }).add();
  const values = valuesOf(metrics, 'calls') as [object, number][];
  assert.equal(values.length, seriesLimit + 1);
  assert.deepEqual(values.at(-1), [overflowLabels, 50]);
});

test('a snapshot is JSON, with the quantiles of distributions', () => {
  const metrics = new Metrics();
  const seconds = metrics.histogram('call_seconds', 'Time.');
  seconds({ operation: 'never' });
  for (let value = 1; value <= 100; value++) seconds({ operation: 'hold' }).observe(value / 100);
  const [family] = JSON.parse(JSON.stringify(metrics.snapshot())) as ReturnType<Metrics['snapshot']>;
  const [never, hold] = family!.series;
  assert.equal(never!.distribution!.count, 0);
  assert.equal(never!.distribution!.max, 0);
  const { count, min, max, quantiles } = hold!.distribution!;
  assert.deepEqual([count, min, max], [100, 0.01, 1]);
  assert.ok(Math.abs(quantiles.p50 - 0.5) < 0.03, String(quantiles.p50));
  assert.ok(Math.abs(quantiles.p99 - 0.99) < 0.06, String(quantiles.p99));
});
