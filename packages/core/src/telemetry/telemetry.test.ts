import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waitFor } from '../testing/wait-for.ts';
import { Collector } from './fixtures/collector.ts';
import { type Logger, silentLogger } from './log.ts';
import { createTelemetry, silentTelemetry } from './telemetry.ts';

const identity = { service: 'ledger', instance: 'ledger-1' };

function listening(): { log: Logger; told: string[] } {
  const told: string[] = [];
  return { log: { ...silentLogger, warn: (message) => void told.push(message) }, told };
}

test('the telemetry of a process has its own metrics, and says nothing where no collector is named', async () => {
  const { log, told } = listening();
  const telemetry = createTelemetry({ ...identity, environment: {}, log });
  assert.match(telemetry.metrics.render(), /process_resident_memory_bytes [1-9]/);
  telemetry.tracer.start('work', 'internal', undefined).end();
  await telemetry.close();
  assert.deepEqual(told, []);
});

test('where a collector is named it gets what was recorded, at the latest when the process ends', async () => {
  const collector = await Collector.start();
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url };
  const telemetry = createTelemetry({ ...identity, environment, log: silentLogger });
  telemetry.tracer.start('work', 'internal', undefined).end();
  await Promise.all([telemetry.close(), telemetry.close()]);
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['work'],
  );
  assert.ok(collector.metrics.some(({ name }) => name === 'process_resident_memory_bytes'));
  await collector.close();
});

test('a variable that is set wrong is a warning, and the rest goes on', async () => {
  const collector = await Collector.start();
  const { log, told } = listening();
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli',
  };
  const telemetry = createTelemetry({ ...identity, environment, log });
  telemetry.tracer.start('work', 'internal', undefined).end();
  await telemetry.close();
  assert.equal(told.length, 1);
  assert.match(told[0]!, /OTEL_EXPORTER_OTLP_COMPRESSION=brotli/);
  assert.equal(collector.spans.length, 1);
  await collector.close();
});

test('an endpoint that is no URL is a warning, and nothing is exported', async () => {
  const { log, told } = listening();
  const environment = { OTEL_EXPORTER_OTLP_ENDPOINT: 'nowhere' };
  const telemetry = createTelemetry({ ...identity, environment, log });
  await waitFor(() => told.length > 0);
  await telemetry.close();
  assert.match(told[0]!, /OTEL_EXPORTER_OTLP_ENDPOINT/);
});

test('silent telemetry records and sends nothing', async () => {
  const telemetry = silentTelemetry();
  telemetry.metrics.counter('orders', 'Orders.')().add();
  const span = telemetry.tracer.start('work', 'internal', undefined);
  span.end();
  assert.equal(telemetry.tracer.ended, 1);
  await telemetry.close();
});
