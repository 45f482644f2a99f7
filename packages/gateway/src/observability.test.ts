import assert from 'node:assert/strict';
import { after, before, describe as group, it } from 'node:test';
import { FlotillaError, platformError, type SpanRecord, silentLogger, silentTelemetry } from 'flotilla';
import { parseGatewayConfig } from './config.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { EventClient } from './testing/event-reader.ts';
import { FakeUpstream } from './testing/fake-upstream.ts';
import { dial, send, until } from './testing/http-client.ts';
import { shop } from './testing/shop.ts';

const upstream = new FakeUpstream([shop], {
  'shop.ping': () => ({ ok: true }),
  'shop.book': (input: { symbol: string }) => ({ symbol: input.symbol, depth: 1 }),
});
const telemetry = silentTelemetry();
let gateway: Gateway;
const trace = '0af7651916cd43dd8448eb211c80319c';
let requests = 0;

before(async () => {
  gateway = await startGateway({
    upstream,
    config: parseGatewayConfig({}),
    log: silentLogger,
    telemetry,
    port: 0,
  });
});
after(() => gateway.close());

/** Sends a request in a trace of its own, and gives back what the gateway wrote down about it. */
async function spanOf(target: string, method = 'GET'): Promise<SpanRecord> {
  const id = (++requests).toString(16).padStart(32, '0');
  await send(gateway.port, target, {
    method,
    headers: { traceparent: `00-${id}-b7ad6b7169203331-01` },
  });
  const [span, ...more] = telemetry.tracer.spansOf(id);
  assert.ok(span && more.length === 0, 'one span');
  return span;
}

group('the span of a request', () => {
  it('is named after its route, with the attributes of the semantic conventions', async () => {
    const span = await spanOf('/v1/markets/BTC-USD/book');
    assert.equal(span.name, 'GET /v1/markets/{symbol}/book');
    assert.deepEqual([span.kind, span.status], ['server', 'unset']);
    assert.deepEqual(span.attributes, {
      'http.request.method': 'GET',
      'http.route': '/v1/markets/{symbol}/book',
      'url.scheme': 'http',
      'url.path': '/v1/markets/BTC-USD/book',
      'client.address': '127.0.0.1',
      'http.response.status_code': 200,
    });
  });

  it('goes on with the trace of the client, and is the parent of the call', async () => {
    const parent = 'b7ad6b7169203331';
    await send(gateway.port, '/v1/ping', { headers: { traceparent: `00-${trace}-${parent}-01` } });
    const [span] = telemetry.tracer.spansOf(trace);
    assert.equal(span?.parentSpanId, parent);
    const context = upstream.calls.at(-1)!.options.trace!;
    assert.equal(context.span0.toString(16).padStart(8, '0'), span?.spanId.slice(0, 8));
    assert.equal(context.trace0, 0x0af76519);
  });

  it('begins a trace where the client has none, or none that is valid', async () => {
    await send(gateway.port, '/v1/ping', {
      headers: { traceparent: `00-${'0'.repeat(32)}-b7ad6b7169203331-01` },
    });
    const { trace0, flags } = upstream.calls.at(-1)!.options.trace!;
    assert.ok(trace0 !== 0);
    assert.equal(flags, 1);
  });

  it('fails with the code of a failure inside, and not for what the client did wrong', async () => {
    upstream.answer('shop.book', () => {
      throw platformError('unavailable', 'away');
    });
    const failed = await spanOf('/v1/markets/X/book');
    assert.deepEqual(
      [failed.status, failed.attributes['error.type'], failed.attributes['http.response.status_code']],
      ['error', 'unavailable', 503],
    );
    upstream.answer('shop.book', () => {
      throw new FlotillaError('not_found', 'no such market');
    });
    const wrong = await spanOf('/v1/markets/X/book');
    assert.deepEqual([wrong.status, wrong.attributes['error.type']], ['unset', 'not_found']);
  });

  it('of something that is not here is named after its method only', async () => {
    const none = await spanOf('/v1/nothing/12345');
    assert.deepEqual([none.name, none.attributes['http.route']], ['GET', undefined]);
    assert.equal(none.attributes['http.response.status_code'], 404);
    assert.equal((await spanOf('/v1/ping', 'DELETE')).name, 'DELETE');
  });

  it('of a client that goes away ends with the call, without a status', async () => {
    let asked = false;
    upstream.answer('shop.book', (_: never, { signal }) => {
      asked = true;
      return new Promise((_resolve, reject) => {
        signal!.addEventListener('abort', () => reject(platformError('cancelled', 'gone')));
      });
    });
    const id = 'e'.repeat(32);
    const socket = await dial(gateway.port);
    socket.write(
      `GET /v1/markets/X/book HTTP/1.1\r\nhost: a\r\ntraceparent: 00-${id}-b7ad6b7169203331-01\r\n\r\n`,
    );
    await until(() => asked, 'the call');
    socket.destroy();
    await until(() => telemetry.tracer.spansOf(id).length === 1, 'the end of the span');
    const [span] = telemetry.tracer.spansOf(id);
    assert.deepEqual(
      [span?.status, span?.attributes['error.type'], span?.attributes['http.response.status_code']],
      ['unset', 'cancelled', undefined],
    );
  });

  it('of a stream ends with the stream', async () => {
    let more: (() => void) | undefined;
    upstream.answer('shop.watch', async function* () {
      yield { kind: 'a', sequence: 1 };
      await new Promise<void>((resolve) => {
        more = resolve;
      });
    });
    const id = 'd'.repeat(32);
    const client = await EventClient.open(gateway.port, '/v1/markets/X/stream', {
      traceparent: `00-${id}-b7ad6b7169203331-01`,
    });
    await client.count(1);
    assert.match(telemetry.metrics.render(), /flotilla_gateway_in_flight\{kind="stream"\} 1/);
    assert.equal(telemetry.tracer.spansOf(id).length, 0);
    more!();
    await until(() => client.ended, 'the end of the stream');
    assert.equal(telemetry.tracer.spansOf(id).length, 1);
  });

  it('does not exist for health checks', async () => {
    const { ended } = telemetry.tracer;
    await send(gateway.port, '/healthz');
    assert.equal(telemetry.tracer.ended, ended);
  });
});

group('the metrics of the gateway', () => {
  it('count requests by route, method and status, and never by path', async () => {
    upstream.answer('shop.book', (input: { symbol: string }) => ({ symbol: input.symbol, depth: 1 }));
    for (const symbol of ['A', 'B', 'C']) await send(gateway.port, `/v1/markets/${symbol}/book?flat=true`);
    await send(gateway.port, '/v1/elsewhere/1');
    await send(gateway.port, '//');
    const text = telemetry.metrics.render();
    const route = '/v1/markets/{symbol}/book';
    assert.ok(
      text.includes(`flotilla_gateway_requests_total{method="GET",route="${route}",status="200"}`),
      text,
    );
    assert.match(text, /flotilla_gateway_requests_total\{method="GET",route="none",status="404"\}/);
    assert.match(text, /flotilla_gateway_requests_total\{method="_OTHER",route="none",status="400"\} 1/);
    assert.ok(text.includes(`flotilla_gateway_request_seconds_count{route="${route}"}`));
    assert.match(text, /flotilla_gateway_in_flight\{kind="request"\} 0/);
    assert.ok(!text.includes('/v1/markets/A') && !text.includes('elsewhere'));
  });
});
