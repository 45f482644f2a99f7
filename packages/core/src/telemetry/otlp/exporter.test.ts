/** The export as a whole, against a collector: what arrives, and what becomes of the service when it does not. */
import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { waitFor } from '../../testing/wait-for.ts';
import { Collector } from '../fixtures/collector.ts';
import { type Logger, silentLogger } from '../log.ts';
import { Metrics } from '../metrics.ts';
import { Tracer } from '../tracer.ts';
import { readExportConfiguration } from './configuration.ts';
import { type Exporter, startExporter } from './exporter.ts';

interface Setting {
  readonly collector: Collector;
  readonly tracer: Tracer;
  readonly metrics: Metrics;
  readonly exporter: Exporter;
  /** Messages of the log. */
  readonly told: string[];
}

const open: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

async function setUp(environment: NodeJS.ProcessEnv = {}, port?: number): Promise<Setting> {
  const collector = await Collector.start(port);
  open.push(collector);
  const told: string[] = [];
  const tell = (message: string) => void told.push(message);
  const log: Logger = { ...silentLogger, error: tell, warn: tell, info: tell };
  const configuration = readExportConfiguration(
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...environment },
    { service: 'ledger', instance: 'ledger-1', version: '1.2.3' },
    log.warn,
  );
  const tracer = new Tracer();
  const metrics = new Metrics();
  const retry = { baseMs: 5, maxMs: 50 };
  const exporter = await startExporter({ configuration, tracer, metrics, log, startMs: Date.now(), retry });
  open.push({ close: () => exporter.close(0) });
  return { collector, tracer, metrics, exporter, told };
}

function endSpans(tracer: Tracer, number: number, name = 'work'): void {
  for (let index = 0; index < number; index++) tracer.start(name, 'internal', undefined).end();
}

/** What a counter of the exporter says, summed over its labels. */
function counted(metrics: Metrics, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const family = metrics.snapshot().find((candidate) => candidate.name === `flotilla_telemetry_${name}`);
  const series = family?.series.filter((each) =>
    Object.entries(labels).every(([label, value]) => each.labels[label] === value),
  );
  return series?.reduce((total, { value = 0 }) => total + value, 0) ?? 0;
}

const onlyTraces = { OTEL_METRICS_EXPORTER: 'none' };
const atOnce = { ...onlyTraces, OTEL_BSP_SCHEDULE_DELAY: '0' };

for (const protocol of ['http/protobuf', 'http/json']) {
  test(`${protocol}: spans and metrics arrive with the resource, at the paths of their signals`, async () => {
    const { collector, tracer, metrics } = await setUp({
      OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
      OTEL_EXPORTER_OTLP_HEADERS: 'x-tenant=blue%20team',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_BSP_SCHEDULE_DELAY: '0',
      OTEL_METRIC_EXPORT_INTERVAL: '20',
    });
    metrics.counter('orders', 'Orders.')().add(3);
    const parent = tracer.start('ledger/hold', 'server', undefined);
    tracer.start('query', 'client', parent).end();
    parent.end();
    await waitFor(
      () => collector.spans.length === 2 && collector.metrics.some(({ name }) => name === 'orders'),
    );
    const [query, hold] = collector.spans;
    assert.deepEqual([query!.name, query!.kind, hold!.name, hold!.kind], ['query', 3, 'ledger/hold', 2]);
    assert.equal(query!.traceId, hold!.traceId);
    const orders = collector.metrics.find(({ name }) => name === 'orders');
    assert.equal(orders!.sum!.dataPoints[0]!.asDouble, 3);
    const traces = collector.received.find(({ path }) => path === '/v1/traces')!;
    const { headers, message } = traces;
    assert.equal(headers['x-tenant'], 'blue team');
    assert.equal(
      headers['content-type'],
      protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    );
    const [{ resource }] = message.resourceSpans as [
      { resource: { attributes: { key: string; value: object }[] } },
    ];
    const about = new Map(resource.attributes.map(({ key, value }) => [key, value]));
    assert.deepEqual(about.get('service.name'), { stringValue: 'ledger' });
    assert.deepEqual(about.get('service.instance.id'), { stringValue: 'ledger-1' });
    assert.deepEqual(about.get('service.version'), { stringValue: '1.2.3' });
    assert.deepEqual(about.get('deployment.environment.name'), { stringValue: 'test' });
    assert.ok(collector.received.some(({ path }) => path === '/v1/metrics'));
  });
}

test('bodies are compressed where that is asked for', async () => {
  const { collector, tracer } = await setUp({ ...atOnce, OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip' });
  endSpans(tracer, 3);
  await waitFor(() => collector.spans.length === 3);
  assert.equal(collector.received[0]!.headers['content-encoding'], 'gzip');
});

test('a full batch goes at once, a smaller one when its time has come, and one connection carries them all', async () => {
  const { collector, tracer, metrics } = await setUp({
    ...onlyTraces,
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '10',
    OTEL_BSP_SCHEDULE_DELAY: '600000',
  });
  const sockets = new Set<unknown>();
  collector.behaviour = (_, request) => Boolean(sockets.add(request.socket));
  endSpans(tracer, 25);
  await waitFor(() => collector.spans.length === 20);
  assert.deepEqual(
    collector.received.map(({ message }) => JSON.stringify(message).split('"spanId"').length - 1),
    [10, 10],
  );
  await waitFor(() => counted(metrics, 'exported_items') === 20);
  assert.equal(sockets.size, 1);
});

test('spans that ended before the exporter was loaded are exported too, unsampled ones are not', async () => {
  const collector = await Collector.start();
  open.push(collector);
  const tracer = new Tracer();
  endSpans(tracer, 2, 'early');
  const remote = { trace0: 1, trace1: 2, trace2: 3, trace3: 4, span0: 5, span1: 6, flags: 0 };
  tracer.start('unsampled', 'server', remote).end();
  const configuration = readExportConfiguration(
    { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...atOnce },
    { service: 'ledger', instance: 'ledger-1' },
    assert.fail,
  );
  const metrics = new Metrics();
  const options = { configuration, tracer, metrics, log: silentLogger, startMs: Date.now() };
  open.push({ close: async () => (await exporting).close(0) });
  const exporting = startExporter(options);
  await waitFor(() => collector.spans.length === 2);
  endSpans(tracer, 1, 'late');
  await waitFor(() => collector.spans.length === 3);
  assert.deepEqual(
    collector.spans.map(({ name }) => name),
    ['early', 'early', 'late'],
  );
});

for (const status of [429, 502, 503, 504]) {
  test(`after HTTP ${status} the same batch is sent again`, async () => {
    const { collector, tracer, metrics } = await setUp(atOnce);
    collector.behaviour = (response) => {
      if (collector.requests > 2) return true;
      response.writeHead(status, status === 429 ? { 'retry-after': '0' } : {}).end();
      return false;
    };
    endSpans(tracer, 4);
    await waitFor(() => counted(metrics, 'exported_items') === 4);
    assert.equal(collector.spans.length, 4);
    assert.equal(counted(metrics, 'export_failures'), 2);
    assert.equal(counted(metrics, 'dropped_items'), 0);
  });
}

for (const status of [302, 400, 413, 500]) {
  test(`after HTTP ${status} the batch is dropped, counted, and not sent again`, async () => {
    const { collector, tracer, metrics, told } = await setUp(atOnce);
    collector.behaviour = (response) => {
      if (collector.requests > 1) return true;
      response.writeHead(status).end('bad data in span 3');
      return false;
    };
    endSpans(tracer, 4);
    await waitFor(() => counted(metrics, 'dropped_items', { reason: 'refused' }) === 4);
    endSpans(tracer, 1);
    await waitFor(() => counted(metrics, 'exported_items') === 1);
    assert.equal(collector.spans.length, 1);
    assert.match(told[0]!, new RegExp(`HTTP ${status}`));
    assert.match(told[1]!, /again/);
    assert.equal(told.length, 2);
  });
}

test('a collector that is down is told of once, and gets what waits when it is back', async () => {
  const { collector, tracer, metrics, told } = await setUp(atOnce);
  const { port } = collector;
  await collector.close();
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'export_failures') >= 4);
  assert.equal(told.length, 1);
  assert.match(
    told[0]!,
    /traces do not reach http:.*v1\/traces \(ECONNREFUSED\).*OTEL_EXPORTER_OTLP_ENDPOINT/,
  );
  const again = await Collector.start(port);
  open.push(again);
  await waitFor(() => counted(metrics, 'exported_items') === 4);
  assert.equal(again.spans.length, 4);
  await waitFor(() => told.length === 2);
  assert.match(told[1]!, /again/);
});

test('a collector that cuts connections gets the batch again', async () => {
  const { collector, tracer, metrics } = await setUp(atOnce);
  collector.behaviour = (response) => {
    if (collector.requests > 2) return true;
    response.destroy();
    return false;
  };
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'exported_items') === 4);
});

test('a collector that hangs is given up after the time limit, and asked again', async () => {
  const { collector, tracer, metrics, told } = await setUp({ ...atOnce, OTEL_EXPORTER_OTLP_TIMEOUT: '50' });
  collector.behaviour = (response) => {
    if (collector.requests === 1) return false;
    if (collector.requests > 2) return true;
    // An answer that begins and never ends.
    response.writeHead(200).write('{');
    return false;
  };
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'exported_items') === 4);
  assert.match(told[0]!, /no answer within 50 ms/);
});

test('an answer without end is cut off, and the batch counts as taken', async () => {
  const { collector, tracer, metrics } = await setUp(atOnce);
  collector.behaviour = (response) => {
    const flood = () => {
      while (!response.destroyed && response.write(Buffer.alloc(32 * 1024)));
    };
    response.on('drain', flood).writeHead(200);
    flood();
    return false;
  };
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'exported_items') === 4);
});

test('values that could not be delivered within their interval make room for newer ones', async () => {
  const { collector, metrics } = await setUp({
    OTEL_TRACES_EXPORTER: 'none',
    OTEL_METRIC_EXPORT_INTERVAL: '30',
  });
  const orders = metrics.counter('orders', 'Orders.');
  orders().add();
  collector.behaviour = (response) => {
    if (counted(metrics, 'dropped_items', { reason: 'undeliverable' }) > 0) return true;
    orders().add();
    response.writeHead(503).end();
    return false;
  };
  await waitFor(() => collector.metrics.some(({ name }) => name === 'orders'));
  const { value } = metrics.snapshot().find(({ name }) => name === 'orders')!.series[0]!;
  assert.ok(value! > 1);
  const sent = collector.metrics.find(({ name }) => name === 'orders')!.sum!.dataPoints[0]!.asDouble;
  assert.equal(sent, value);
});

test('a gauge whose reading throws is told of once, and harms nobody', async () => {
  const { collector, tracer, metrics, told } = await setUp({
    OTEL_METRIC_EXPORT_INTERVAL: '5',
    OTEL_BSP_SCHEDULE_DELAY: '0',
  });
  let readings = 0;
  metrics.gauge('broken', 'Throws.', () => {
    readings++;
    throw new TypeError('a defect');
  });
  await waitFor(() => readings > 3);
  endSpans(tracer, 1);
  await waitFor(() => collector.spans.length === 1);
  assert.deepEqual(
    told.filter((message) => /cannot be exported/.test(message)),
    ['some metrics cannot be exported: making a request of them fails'],
  );
});

test('a partial success is counted and told', async () => {
  const { collector, tracer, metrics, told } = await setUp({
    ...atOnce,
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json',
  });
  collector.behaviour = (response) => {
    response.end('{"partialSuccess":{"rejectedSpans":"1","errorMessage":"too long"}}');
    return false;
  };
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'exported_items') === 3);
  assert.equal(counted(metrics, 'dropped_items', { reason: 'refused' }), 1);
  assert.match(told[0]!, /did not take all/);
});

test('more spans than a stuck collector takes are dropped, oldest first, and all are accounted for', async () => {
  const { collector, tracer, metrics } = await setUp({ ...atOnce, OTEL_BSP_MAX_QUEUE_SIZE: '1000' });
  let release: (() => void) | undefined;
  collector.behaviour = (response) => {
    if (collector.requests > 1) return true;
    release = () => response.writeHead(503).end();
    return false;
  };
  endSpans(tracer, 10, 'first');
  await waitFor(() => release !== undefined);
  for (let index = 0; index < 20_000; index++) tracer.start(`later-${index}`, 'internal', undefined).end();
  release!();
  const total = 20_010;
  await waitFor(() => counted(metrics, 'exported_items') + counted(metrics, 'dropped_items') === total);
  assert.equal(counted(metrics, 'exported_items'), 1_010);
  assert.equal(counted(metrics, 'dropped_items', { reason: 'overflow' }), 19_000);
  const names = collector.spans.map(({ name }) => name);
  assert.equal(names.filter((name) => name === 'first').length, 10);
  assert.equal(names.at(-1), 'later-19999');
});

test('closing exports what is left, and the last values of the metrics', async () => {
  const { collector, tracer, metrics, exporter } = await setUp({
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
  });
  metrics.counter('orders', 'Orders.')().add(7);
  endSpans(tracer, 250);
  await exporter.close(5_000);
  assert.equal(collector.spans.length, 250);
  assert.equal(collector.metrics.find(({ name }) => name === 'orders')!.sum!.dataPoints[0]!.asDouble, 7);
});

test('closing does not wait for a collector that hangs longer than it may, and counts what was lost', async () => {
  const { collector, tracer, metrics, exporter } = await setUp({
    ...onlyTraces,
    OTEL_BSP_SCHEDULE_DELAY: '600000',
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '100',
  });
  collector.behaviour = () => false;
  endSpans(tracer, 250);
  // The time limit of a request is 10 s: without its own limit, closing would take that long at least.
  const closed = exporter.close(50);
  let ended = false;
  void closed.then(() => {
    ended = true;
  });
  await waitFor(() => ended, { timeoutMs: 5_000 });
  assert.equal(counted(metrics, 'dropped_items', { reason: 'shutdown' }), 250);
});

test('closing while a batch waits for its next try makes that try at once', async () => {
  const { collector, tracer, metrics, exporter } = await setUp(atOnce);
  collector.behaviour = (response) => {
    if (collector.requests > 1) return true;
    response.writeHead(503, { 'retry-after': '30' }).end();
    return false;
  };
  endSpans(tracer, 4);
  await waitFor(() => counted(metrics, 'export_failures') === 1);
  await exporter.close(5_000);
  assert.equal(collector.spans.length, 4);
});
