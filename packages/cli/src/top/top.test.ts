import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Metrics, type MetricsSnapshot, type ResilienceReport } from 'flotilla';
import { painted } from '../output/colour.ts';
import { loadTable } from '../output/load-table.ts';
import { ejectionsIn, type FleetLoad } from './fleet-load.ts';
import { loadBetween } from './instance-load.ts';

/** As it travels: through JSON. */
function snapshotOf(metrics: Metrics): MetricsSnapshot {
  return JSON.parse(JSON.stringify(metrics.snapshot())) as MetricsSnapshot;
}

class Server {
  readonly metrics = new Metrics();
  readonly calls = this.metrics.counter('flotilla_server_calls', '');
  readonly seconds = this.metrics.histogram('flotilla_server_call_seconds', '');
  readonly attempts = this.metrics.counter('flotilla_client_attempts', '');
  cpuSeconds = 1;

  constructor(startedAt = 1_000) {
    this.metrics.gauge('process_start_time_seconds', '', () => startedAt);
    this.metrics.counter('process_cpu_seconds', '', () => this.cpuSeconds);
    this.metrics.gauge('process_resident_memory_bytes', '', () => 80 * 2 ** 20);
    this.metrics.gauge('flotilla_server_in_flight', '', () => 3);
    this.metrics.gauge('flotilla_server_limit', '', () => 64);
    this.metrics.gauge('flotilla_server_queue', '', () => [
      [{ priority: 'high' }, 1],
      [{ priority: 'normal' }, 4],
    ]);
    this.metrics.gauge('flotilla_breaker_state', '', () => [
      [{ operation: 'a' }, 0],
      [{ operation: 'b' }, 1],
      [{ operation: 'c' }, 2],
    ]);
    this.metrics.gauge('nodejs_eventloop_delay_seconds', '', () => [
      [{ stat: 'mean' }, 0.001],
      [{ stat: 'p99' }, 0.02],
    ]);
  }

  handle(operation: string, code: string, seconds: number, times: number): void {
    this.calls({ operation, code }).add(times);
    for (let i = 0; i < times; i++) this.seconds({ operation }).observe(seconds);
  }
}

describe('what a process did between two looks', () => {
  it('are rates and quantiles of that time alone, over all its operations', () => {
    const server = new Server();
    server.handle('ledger.hold', 'ok', 5, 1_000);
    server.attempts({ kind: 'retry' }).add(50);
    const before = snapshotOf(server.metrics);
    server.handle('ledger.hold', 'ok', 0.01, 90);
    server.handle('ledger.fund', 'ok', 0.4, 6);
    server.handle('ledger.fund', 'insufficient_funds', 0.4, 2);
    server.handle('ledger.fund', 'unavailable', 0.4, 2);
    server.attempts({ kind: 'retry' }).add(6);
    server.attempts({ kind: 'first' }).add(100);
    server.cpuSeconds = 1.5;
    const load = loadBetween(before, snapshotOf(server.metrics), 2_000);
    const { p50Ms, p99Ms, ...exact } = load;
    assert.deepEqual(exact, {
      callsPerSecond: 50,
      errorShare: 0.02,
      inFlight: 3,
      queue: 5,
      limit: 64,
      retriesPerSecond: 3,
      breakersOpen: 2,
      loopDelayMs: 20,
      cpuShare: 0.25,
      rssBytes: 80 * 2 ** 20,
    });
    assert.ok(Math.abs((p50Ms ?? 0) - 10) < 1 && Math.abs((p99Ms ?? 0) - 400) < 40, `${p50Ms} ${p99Ms}`);
  });

  it('are not told of a first look, or across a restart', () => {
    const server = new Server();
    server.handle('ledger.hold', 'ok', 0.01, 10);
    const earlier = snapshotOf(new Server(500).metrics);
    for (const before of [undefined, earlier]) {
      const { callsPerSecond, p50Ms, cpuShare, inFlight } = loadBetween(
        before,
        snapshotOf(server.metrics),
        1_000,
      );
      assert.deepEqual([callsPerSecond, p50Ms, cpuShare, inFlight], [null, null, null, 3]);
    }
  });

  it('without calls have no quantiles', () => {
    const server = new Server();
    server.handle('ledger.hold', 'ok', 0.01, 10);
    const same = snapshotOf(server.metrics);
    const { callsPerSecond, errorShare, p50Ms } = loadBetween(same, same, 1_000);
    assert.deepEqual([callsPerSecond, errorShare, p50Ms], [0, 0, null]);
  });

  it('are requests at the gateway, of which 5xx are errors', () => {
    const metrics = new Metrics();
    metrics.gauge('process_start_time_seconds', '', () => 1);
    const requests = metrics.counter('flotilla_gateway_requests', '');
    const seconds = metrics.histogram('flotilla_gateway_request_seconds', '');
    metrics.gauge('flotilla_gateway_in_flight', '', () => [
      [{ kind: 'request' }, 2],
      [{ kind: 'stream' }, 5],
    ]);
    const before = snapshotOf(metrics);
    requests({ status: '200' }).add(6);
    requests({ status: '404' }).add(2);
    requests({ status: '503' }).add(2);
    seconds({ route: '/' }).observe(0.02);
    const load = loadBetween(before, snapshotOf(metrics), 1_000);
    assert.deepEqual([load.callsPerSecond, load.errorShare, load.inFlight, load.limit], [10, 0.2, 7, null]);
    assert.equal(Math.round(load.p50Ms ?? 0), 20);
  });
});

it('an instance is ejected by each caller that says so', () => {
  const seen = (ejectedForMs: number): ResilienceReport => ({
    services: [
      {
        ...{ service: 'ledger', active: 0, waiting: 0, operations: [] },
        instances: [
          {
            ...{ instance: 'ledger-2', address: '', zone: '', version: '', connection: 'open' as const },
            ...{ ejectedForMs, stalled: false, latencyMs: 0, inFlight: 0, incompatible: {} },
          },
        ],
      },
    ],
  });
  const found = ejectionsIn([
    { service: 'risk', instance: 'risk-1', body: seen(900) },
    { service: 'risk', instance: 'risk-2', body: seen(0) },
    { service: 'orders', instance: 'orders-1', body: seen(10) },
  ]);
  assert.deepEqual([...found], [['ledger-2', ['risk-1', 'orders-1']]]);
});

it('a load is one line per process, with what is wrong in red', () => {
  const server = new Server();
  const before = snapshotOf(server.metrics);
  server.handle('ledger.hold', 'internal', 0.01, 10);
  const load = loadBetween(before, snapshotOf(server.metrics), 1_000);
  const fleet: FleetLoad = {
    ...{ fleet: 'shop', time: '2026-11-22T20:00:00.000Z', intervalMs: 1_000 },
    instances: [
      {
        service: 'broker',
        instance: 'broker-1',
        pid: 1,
        state: 'ready',
        load: null,
        ejectedBy: [],
        silent: null,
      },
      {
        service: 'ledger',
        instance: 'ledger-1',
        pid: 2,
        state: 'ready',
        load,
        ejectedBy: ['risk-1'],
        silent: null,
      },
      {
        service: 'risk',
        instance: 'risk-1',
        pid: 3,
        state: 'ready',
        load: null,
        ejectedBy: [],
        silent: 'late',
      },
    ],
  };
  const lines = loadTable(fleet).split('\n');
  assert.equal(lines[0], 'shop  20:00:00  3 processes  CPU 0 %  RSS 80.0 MiB');
  assert.match(lines[3] ?? '', /^broker-1 +ready( +-){8} +0( +-){3}$/);
  assert.match(
    lines[4] ?? '',
    /^ledger-1 +ready +10\.0 +100 % .* 5\/64 +0 +2 open +1 +20\.0 ms +0 % +80\.0 MiB$/,
  );
  assert.match(lines[5] ?? '', /^risk-1 +silent /);
  assert.ok(loadTable(fleet, painted).includes('\x1b[31m 100 %'));
});
