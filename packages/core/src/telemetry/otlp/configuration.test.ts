import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isExportConfigured, readExportConfiguration } from './configuration.ts';

function read(environment: NodeJS.ProcessEnv) {
  const warnings: string[] = [];
  const configuration = readExportConfiguration(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318', ...environment },
    { service: 'ledger', instance: 'ledger-1' },
    (message) => warnings.push(message),
  );
  return { configuration, warnings };
}

test('without a variable more, both signals go below the endpoint as protobuf', () => {
  const { configuration, warnings } = read({});
  const { traces, metrics, spanDelayMs, spanQueue, spanBatch, metricIntervalMs } = configuration;
  assert.equal(traces!.url.href, 'http://collector:4318/v1/traces');
  assert.equal(metrics!.url.href, 'http://collector:4318/v1/metrics');
  for (const { protocol, compression, timeoutMs, headers } of [traces!, metrics!])
    assert.deepEqual([protocol, compression, timeoutMs, headers], ['http/protobuf', 'none', 10_000, {}]);
  assert.deepEqual([spanDelayMs, spanQueue, spanBatch, metricIntervalMs], [5_000, 4_096, 512, 60_000]);
  assert.deepEqual(warnings, []);
});

test('paths go below the path of the general endpoint, with or without a slash, and are those of a special one', () => {
  for (const endpoint of ['https://host/otlp', 'https://host/otlp/'])
    assert.equal(
      read({ OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }).configuration.traces!.url.href,
      'https://host/otlp/v1/traces',
    );
  const { configuration } = read({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'http://spans:1234/take' });
  assert.equal(configuration.traces!.url.href, 'http://spans:1234/take');
  assert.equal(configuration.metrics!.url.href, 'http://collector:4318/v1/metrics');
});

test('a special endpoint alone exports its signal only', () => {
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: '',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'http://values:1/',
  };
  assert.ok(isExportConfigured(environment));
  const { configuration } = read(environment);
  assert.equal(configuration.traces, undefined);
  assert.equal(configuration.metrics!.url.href, 'http://values:1/');
});

test('the form for one signal goes before the general one', () => {
  const { configuration } = read({
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
    OTEL_EXPORTER_OTLP_METRICS_PROTOCOL: 'http/protobuf',
    OTEL_EXPORTER_OTLP_TIMEOUT: '3000',
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '2000',
    OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
    OTEL_EXPORTER_OTLP_TRACES_COMPRESSION: 'none',
    OTEL_EXPORTER_OTLP_HEADERS: 'Authorization=Bearer%20a%2Cb,x-tenant=blue',
    OTEL_EXPORTER_OTLP_METRICS_HEADERS: 'X-Tenant=green',
  });
  const { traces, metrics } = configuration;
  assert.deepEqual([traces!.protocol, metrics!.protocol], ['http/json', 'http/protobuf']);
  assert.deepEqual([traces!.timeoutMs, metrics!.timeoutMs], [2_000, 3_000]);
  assert.deepEqual([traces!.compression, metrics!.compression], ['none', 'gzip']);
  assert.deepEqual(traces!.headers, { authorization: 'Bearer a,b', 'x-tenant': 'blue' });
  assert.deepEqual(metrics!.headers, { authorization: 'Bearer a,b', 'x-tenant': 'green' });
});

test('nothing is exported without an endpoint, when disabled, or when a signal is told not to be', () => {
  const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };
  assert.equal(isExportConfigured({}), false);
  assert.equal(isExportConfigured({ OTEL_EXPORTER_OTLP_ENDPOINT: ' ' }), false);
  assert.equal(isExportConfigured(endpoint), true);
  assert.equal(isExportConfigured({ ...endpoint, OTEL_SDK_DISABLED: 'True' }), false);
  const { configuration } = read({ OTEL_TRACES_EXPORTER: 'none' });
  assert.equal(configuration.traces, undefined);
  assert.ok(configuration.metrics);
});

test('the resource says who tells it; OTEL_SERVICE_NAME goes before OTEL_RESOURCE_ATTRIBUTES', () => {
  const { resource } = read({}).configuration;
  assert.deepEqual([resource['service.name'], resource['service.instance.id']], ['ledger', 'ledger-1']);
  const attributes = 'service.name=books,team=a%20b, region = eu';
  const named = read({ OTEL_RESOURCE_ATTRIBUTES: attributes }).configuration.resource;
  assert.deepEqual([named['service.name'], named.team, named.region], ['books', 'a b', 'eu']);
  const renamed = read({ OTEL_RESOURCE_ATTRIBUTES: attributes, OTEL_SERVICE_NAME: 'tome' });
  assert.equal(renamed.configuration.resource['service.name'], 'tome');
});

test('a variable that cannot be read is ignored, with one warning that names it and what it may be', () => {
  for (const [name, value, holds] of [
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc', /http\/protobuf or http\/json/],
    ['OTEL_EXPORTER_OTLP_TIMEOUT', '10s', /10000 holds: set it to a whole number/],
    ['OTEL_EXPORTER_OTLP_COMPRESSION', 'zstd', /gzip or none/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'collector:4318', /http:\/\/127\.0\.0\.1:4318/],
    ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', '4318', /http:\/\/127\.0\.0\.1:4318/],
    ['OTEL_METRIC_EXPORT_INTERVAL', '0', /60000 holds/],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '-1', /4096 holds/],
    ['OTEL_BSP_MAX_EXPORT_BATCH_SIZE', '1e999', /512 holds/],
    ['OTEL_BSP_SCHEDULE_DELAY', 'NaN', /5000 holds/],
    ['OTEL_TRACES_EXPORTER', 'zipkin', /otlp or none/],
    ['OTEL_SDK_DISABLED', 'yes', /true or false/],
    ['OTEL_RESOURCE_ATTRIBUTES', 'team', /key=value/],
  ] as const) {
    const { configuration, warnings } = read({ [name]: value });
    assert.equal(warnings.length, 1, `${name}: ${warnings}`);
    assert.match(warnings[0]!, new RegExp(name));
    assert.match(warnings[0]!, holds);
    assert.deepEqual(configuration, read({}).configuration, name);
  }
});

test('headers that cannot be sent are left out, and warnings do not repeat their values', () => {
  const { configuration, warnings } = read({
    OTEL_EXPORTER_OTLP_HEADERS:
      'x-good=1,bad name=hunter2,x-line=hunter2%0D%0Ax,hunter2,x-percent=%zz,=hunter2',
  });
  assert.deepEqual(configuration.traces!.headers, { 'x-good': '1' });
  assert.ok(warnings.length > 0);
  for (const warning of warnings) {
    assert.match(warning, /OTEL_EXPORTER_OTLP_HEADERS/);
    assert.doesNotMatch(warning, /hunter2/);
  }
});

test('credentials in an endpoint that cannot be used are not repeated either', () => {
  const { warnings } = read({ OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: 'ftp://user:hunter2@host/' });
  assert.match(warnings[0]!, /OTEL_EXPORTER_OTLP_METRICS_ENDPOINT/);
  assert.doesNotMatch(warnings[0]!, /hunter2/);
});

test('certificates are read from the files that are named, for https only', () => {
  const directory = mkdtempSync(join(tmpdir(), 'flotilla-otlp-'));
  try {
    const path = join(directory, 'ca.pem');
    writeFileSync(path, 'PEM');
    const environment = {
      OTEL_EXPORTER_OTLP_CERTIFICATE: path,
      OTEL_EXPORTER_OTLP_CLIENT_KEY: join(directory, 'none'),
    };
    const { configuration, warnings } = read({
      ...environment,
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://collector',
    });
    assert.deepEqual(configuration.traces!.certificates, { ca: Buffer.from('PEM') });
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /OTEL_EXPORTER_OTLP_CLIENT_KEY.*cannot be read/);
    assert.deepEqual(read(environment).configuration.traces!.certificates, {});
  } finally {
    rmSync(directory, { recursive: true });
  }
});
