import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { platformError } from '../errors/index.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { type AdminServer, startAdminServer } from './admin-server.ts';

let admin: AdminServer;
let ready = true;

before(async () => {
  const metrics = new Metrics();
  metrics.gauge('answer', 'To everything.', () => 42);
  admin = await startAdminServer({
    host: '127.0.0.1',
    port: 0,
    token: 'the-token',
    metrics,
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
    for (const path of ['/health/live', '/metrics', '/nowhere']) {
      const headers: Record<string, string> = authorization === undefined ? {} : { authorization };
      const { status } = await fetch(`${admin.url}${path}`, { headers });
      assert.equal(status, 401, `${authorization} ${path}`);
    }
  }
});

test('what is not there, is said; a large body is refused', async () => {
  assert.equal((await ask('/nowhere')).status, 404);
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
      metrics: new Metrics(),
      readiness: () => ({ ready: true }),
      dispatch() {},
    }),
    { code: 'unavailable', message: new RegExp(`admin port ${port} is taken.*FLOTILLA_ADMIN_PORT`) },
  );
  taken.close();
});
