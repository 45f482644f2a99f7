/** `docs/telemetry.md` says what the code does: its tables are compared with it. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Metrics } from './metrics.ts';
import { readExportConfiguration } from './otlp/configuration.ts';
import { DeliveryCounters, type DropReason } from './otlp/delivery.ts';
import { processMetrics } from './process-metrics.ts';
import type { FamilySnapshot } from './snapshot.ts';

const page = readFileSync(new URL('../../../../docs/telemetry.md', import.meta.url), 'utf8');

/** Rows of the tables whose first heading is `heading`, without backticks. */
function rows(heading: string): string[][] {
  return page
    .split('\n\n')
    .filter((block) => block.startsWith(`| ${heading} |`))
    .flatMap((block) => block.trim().split('\n').slice(2))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );
}

test('the table of every process has the metrics that every process has', () => {
  const metrics = new Metrics();
  processMetrics(metrics)();
  new DeliveryCounters(metrics);
  const absent =
    process.platform === 'linux' ? /^flotilla_(?!telemetry)/ : /^flotilla_(?!telemetry)|_open_fds$/;
  const documented = rows('metric').filter(([name]) => !absent.test(name!));
  const shown = ({ name, type }: FamilySnapshot) => [type === 'counter' ? `${name}_total` : name, type];
  assert.deepEqual(
    documented.map(([name, type]) => [name, type]).sort(),
    metrics.snapshot().map(shown).sort(),
  );
});

test('every variable that is read is in a table, with its default', () => {
  const sources = readdirSync(new URL('otlp/', import.meta.url))
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
    .map((name) => readFileSync(new URL(`otlp/${name}`, import.meta.url), 'utf8'));
  const read = new Set(
    sources.flatMap((source) => [...source.matchAll(/'(OTEL_[A-Z_]+)'/g)].map(([, name]) => name!)),
  );

  const defaults = new Map(rows('variable').map(([name, value]) => [name, value]));
  const identity = { service: 'ledger', instance: 'ledger-1' };
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318' };
  const configuration = readExportConfiguration(environment, identity, assert.fail);
  assert.deepEqual(
    [
      ...['OTEL_BSP_SCHEDULE_DELAY', 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 'OTEL_BSP_MAX_QUEUE_SIZE'],
      'OTEL_METRIC_EXPORT_INTERVAL',
    ].map((name) => Number(defaults.get(name))),
    [
      ...[configuration.spanDelayMs, configuration.spanBatch, configuration.spanQueue],
      configuration.metricIntervalMs,
    ],
  );
  const settings = rows('variable, also with `TRACES_` or `METRICS_`');
  const named = new Set([...rows('variable'), ...settings].map(([name]) => name!));
  for (const name of read) assert.ok(named.has(name), name);
  const special = new Map(settings.map(([name, value]) => [name, value]));
  const { protocol, timeoutMs, compression } = configuration.traces!;
  assert.equal(special.get('OTEL_EXPORTER_OTLP_PROTOCOL'), protocol);
  assert.equal(Number(special.get('OTEL_EXPORTER_OTLP_TIMEOUT')), timeoutMs);
  assert.equal(special.get('OTEL_EXPORTER_OTLP_COMPRESSION'), compression);
});

test('the reasons for a loss are those that are counted', () => {
  const reasons: Record<DropReason, true> = {
    overflow: true,
    refused: true,
    undeliverable: true,
    shutdown: true,
  };
  assert.deepEqual(
    rows('reason')
      .map(([name]) => name)
      .sort(),
    Object.keys(reasons).sort(),
  );
});
