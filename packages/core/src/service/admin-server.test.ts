import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { platformError } from '../errors/index.ts';
import type { SpanRecord, TraceSummary } from '../telemetry/span-record.ts';
import { silentTelemetry } from '../telemetry/telemetry.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';

let admin: AdminServer;
let ready = true;
const telemetry = silentTelemetry();

before(async () => {
  telemetry.metrics.gauge('answer', 'To everything.', () => 42);
  admin = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: 'the-token',
    telemetry,
    member: {
      resilience: () => ({ services: [] }),
      explain: (service, operation) => ({ caller: 'shop', service, operation, values: [] }),
    },
    readiness: () => (ready ? { ready } : { ready, reason: 'draining' }),
    dispatch(call, reply) {
      if (call.operation === 'echo.say') reply.value(call.payload);
      else if (call.operation === 'echo.count') {
        reply.item(Buffer.from('1'));
        reply.item(Buffer.from('2'));
        reply.end();
      } else reply.error(platformError('unimplemented', 'no such operation'));
    },
  });
});

after(() => admin.close());

function ask(path: string, init: RequestInit = {}): Promise<Response> {
  return fetch(`${admin.url}${path}`, {
    ...init,
    headers: { authorization: 'Bearer the-token', ...init.headers },
  });
}

test('health, readiness and metrics', async () => {
  assert.equal((await ask('/health/live')).status, 200);
  assert.equal((await ask('/health/ready')).status, 200);
  ready = false;
  const draining = await ask('/health/ready');
  assert.equal(draining.status, 503);
  assert.deepEqual(await draining.json(), { ready: false, reason: 'draining' });
  ready = true;
  for (const [accept, type] of [
    ['*/*', /^text\/plain; version=0\.0\.4/],
    ['application/openmetrics-text; version=1.0.0', /^application\/openmetrics-text; version=1\.0\.0/],
  ] as const) {
    const metrics = await ask('/metrics', { headers: { accept } });
    assert.match(metrics.headers.get('content-type')!, type);
    assert.match(await metrics.text(), /^answer 42$/m);
  }
});

test('metrics, resilience and policies as data', async () => {
  const snapshot = (await (await ask('/snapshot')).json()) as { name: string; series: object[] }[];
  assert.deepEqual(snapshot.find(({ name }) => name === 'answer')?.series, [{ labels: {}, value: 42 }]);
  assert.deepEqual(await (await ask('/resilience')).json(), { services: [] });
  assert.deepEqual(await (await ask('/explain?service=ledger&operation=hold')).json(), {
    caller: 'shop',
    service: 'ledger',
    operation: 'hold',
    values: [],
  });
  assert.equal((await ask('/explain')).status, 400);
});

test('a trace by its id, and the traces that failed or were slow', async () => {
  const { tracer } = telemetry;
  const root = tracer.start('POST /orders', 'server', undefined);
  const call = tracer.start('ledger/hold', 'client', root);
  call.fail('unavailable').end();
  root.fail('unavailable').end();
  tracer.start('GET /orders', 'server', undefined).end();
  const id = traceIdOf(root);
  const { spans } = (await (await ask(`/traces/${id}`)).json()) as { spans: SpanRecord[] };
  assert.deepEqual(
    spans.map(({ name, status }) => [name, status]),
    [
      ['POST /orders', 'error'],
      ['ledger/hold', 'error'],
    ],
  );
  const listed = async (query: string) => {
    const { traces } = (await (await ask(`/traces${query}`)).json()) as { traces: TraceSummary[] };
    return traces.map(({ name, reason }) => `${reason} ${name}`);
  };
  assert.deepEqual(await listed(''), ['error POST /orders']);
  assert.deepEqual(await listed('?reason=slow'), []);
  assert.deepEqual(await listed('?reason=recent&limit=1'), ['recent GET /orders']);
  assert.deepEqual(await listed('?name=GET'), []);
  assert.deepEqual(await listed('?minDurationMs=60000'), []);
  assert.deepEqual(await (await ask(`/traces/${'0'.repeat(31)}1`)).json(), { spans: [] });
});

test('a parameter that cannot be understood is refused', async () => {
  for (const path of [
    '/traces/xyz',
    '/traces/',
    '/traces?limit=many',
    '/traces?reason=bored',
    '/traces?minDurationMs=-1',
  ]) {
    const refusal = await ask(path);
    assert.equal(refusal.status, 400, path);
    assert.equal(((await refusal.json()) as { code: string }).code, 'invalid_argument');
  }
});

test('operations over plain HTTP, streams as lines', async () => {
  const said = await ask('/rpc/echo/say', { method: 'POST', body: '{"a":1}' });
  assert.deepEqual(await said.json(), { a: 1 });
  const counted = await ask('/rpc/echo/count', {
    method: 'POST',
    headers: { accept: 'application/x-ndjson' },
  });
  assert.equal(await counted.text(), '1\n2\n');
  const unknown = await ask('/rpc/echo/nothing', { method: 'POST' });
  assert.equal(unknown.status, 501);
  assert.match(await unknown.text(), /unimplemented/);
});

test('without the token there is nothing, whatever the path', async () => {
  for (const authorization of [undefined, '', 'Bearer', 'Bearer wrong', 'Basic the-token', 'the-token']) {
    for (const path of [
      '/health/live',
      '/metrics',
      '/traces',
      '/resilience',
      '/explain',
      '/snapshot',
      '/nowhere',
    ]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const { status } = await fetch(`${admin.url}${path}`, { headers });
      assert.equal(status, 401, `${authorization} ${path}`);
    }
  }
});

test('what is not there, is said; a large body is refused', async () => {
  const nowhere = await ask('/nowhere');
  assert.equal(nowhere.status, 404);
  assert.match(await nowhere.text(), /\/traces\/<trace id>/);
  assert.equal((await ask('/traces', { method: 'POST' })).status, 404);
  const large = await ask('/rpc/echo/say', { method: 'POST', body: 'x'.repeat(5_000_000) }).catch(
    () => undefined,
  );
  assert.ok(large === undefined || large.status === 413);
});

test('a taken port names itself and the way out', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  const { port } = taken.address() as AddressInfo;
  await assert.rejects(
    startAdminServer({
      host: '127.0.0.1',
      port,
      token: 't',
      telemetry,
      readiness: () => ({ ready: true }),
      dispatch() {},
    }),
    { code: 'unavailable', message: new RegExp(`admin port ${port} is taken.*FLOTILLA_ADMIN_PORT`) },
  );
  taken.close();
});
