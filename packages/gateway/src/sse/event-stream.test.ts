import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { platformError, silentLogger } from 'flotilla';
import { parseGatewayConfig } from '../config.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { EventClient } from '../testing/event-reader.ts';
import { FakeUpstream } from '../testing/fake-upstream.ts';
import { dial, open, send, until } from '../testing/http-client.ts';
import { shop } from '../testing/shop.ts';

const path = '/v1/markets/BTC-USD/stream';
const item = (sequence: number) => ({ kind: sequence === 0 ? 'snapshot' : 'trade', sequence });
const never = new Promise<never>(() => {});
const upstream = new FakeUpstream([shop]);
const start = (more: object = {}) =>
  startGateway({
    upstream,
    config: parseGatewayConfig({ heartbeatMs: 20, limits: { streams: 3, stalledMs: 500 }, ...more }),
    log: silentLogger,
    port: 0,
  });
let gateway: Gateway;
before(async () => {
  gateway = await start();
});
after(() => gateway.close());

async function* counting(input: { after?: number }) {
  for (let sequence = (input.after ?? -1) + 1; sequence < 100; sequence++) yield item(sequence);
}

describe('an event stream', () => {
  it('gives each item as an event with its name and id', async () => {
    upstream.answer('shop.watch', async function* () {
      yield item(0);
      yield item(1);
    });
    const client = await EventClient.open(gateway.port, path);
    assert.equal(client.response.headers['content-type'], 'text/event-stream');
    assert.equal(client.response.headers['cache-control'], 'no-store');
    await until(() => client.ended, 'the end');
    assert.deepEqual(client.events, [
      { id: '0', event: 'snapshot', data: '{"kind":"snapshot","sequence":0}' },
      { id: '1', event: 'trade', data: '{"kind":"trade","sequence":1}' },
    ]);
    assert.equal(upstream.calls.at(-1)!.payload, '{"symbol":"BTC-USD"}');
  });

  it('resumes behind the last event that the client has seen', async () => {
    upstream.answer('shop.watch', counting);
    const first = await EventClient.open(gateway.port, path);
    const seen = (await first.count(10)).slice(0, 10);
    first.close();
    const second = await EventClient.open(gateway.port, path, { 'last-event-id': seen.at(-1)!.id });
    await until(() => second.ended, 'the end');
    const ids = [...seen, ...second.events].map(({ id }) => Number(id));
    assert.deepEqual(
      ids,
      Array.from({ length: 100 }, (_, at) => at),
    );
  });

  it('says where a Last-Event-ID is wrong', async () => {
    upstream.answer('shop.watch', async function* (input: { after?: unknown }) {
      if (typeof input.after !== 'number') {
        const { invalidArgument } = await import('flotilla');
        throw invalidArgument([{ path: ['after'], message: 'expected an integer' }]);
      }
      yield item(0);
    });
    const answer = await send(gateway.port, path, { headers: { 'last-event-id': 'x' } });
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json().errors, [
      { in: 'header', parameter: 'last-event-id', detail: 'expected an integer' },
    ]);
  });

  it('has its headers and heartbeats while no item comes', async () => {
    upstream.answer('shop.watch', async function* () {
      await never;
      yield item(0);
    });
    const client = await EventClient.open(gateway.port, path);
    assert.equal(client.response.statusCode, 200);
    await until(() => client.text.split('\n').filter((line) => line === ':').length >= 2, 'two heartbeats');
    client.close();
    await until(() => upstream.openStreams === 0, 'the cancellation');
  });

  it('that fails before its first item is an ordinary problem', async () => {
    upstream.answer('shop.watch', async function* () {
      await Promise.resolve();
      if (upstream) throw platformError('not_found', 'there is no such market');
      yield item(0);
    });
    const answer = await send(gateway.port, path);
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.equal(answer.json().detail, 'there is no such market');
  });

  it('that fails later ends with an error event that tells nothing about the inside', async () => {
    upstream.answer('shop.watch', async function* () {
      yield item(0);
      throw platformError('unavailable', 'secret address');
    });
    const client = await EventClient.open(gateway.port, path, { 'x-request-id': 'r1' });
    await until(() => client.ended, 'the end');
    const last = client.events.at(-1)!;
    assert.equal(last.event, 'error');
    const problem = JSON.parse(last.data) as Record<string, unknown>;
    assert.equal(problem.code, 'unavailable');
    assert.equal(problem.requestId, 'r1');
    assert.ok(!last.data.includes('secret'));
  });

  it('is cancelled at the service when its client goes away', async () => {
    upstream.answer('shop.watch', async function* () {
      yield item(0);
      await never;
    });
    const client = await EventClient.open(gateway.port, path);
    await client.count(1);
    assert.equal(upstream.openStreams, 1);
    client.close();
    await until(() => upstream.openStreams === 0, 'the cancellation');
  });

  it('beyond the bound on streams is refused', async () => {
    upstream.answer('shop.watch', async function* () {
      yield item(0);
      await never;
    });
    const clients = await Promise.all([1, 2, 3].map(() => EventClient.open(gateway.port, path)));
    const answer = await send(gateway.port, path);
    assert.equal(answer.status, 503);
    assert.equal(answer.json().code, 'overloaded');
    for (const client of clients) client.close();
    await until(() => upstream.openStreams === 0, 'the cancellation');
    const next = await EventClient.open(gateway.port, path);
    next.close();
    await until(() => upstream.openStreams === 0, 'the cancellation');
  });

  it('answers HEAD without opening it', async () => {
    const calls = upstream.calls.length;
    const answer = await send(gateway.port, path, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-type'], 'text/event-stream');
    assert.equal(upstream.calls.length, calls);
  });
});

describe('a slow client of a stream', () => {
  it('holds the service back, and is cut off when it takes nothing for too long', async () => {
    let produced = 0;
    upstream.answer('shop.watch', async function* () {
      const text = 'x'.repeat(10_000);
      for (;;) yield { ...item(produced++), text };
    });
    const socket = await dial(gateway.port);
    socket.pause();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await until(() => produced > 0, 'the first item');
    await until(() => upstream.openStreams === 0, 'the cut');
    // What kernel buffers of both ends and the gateway's own hold is far below this.
    assert.ok(produced < 5_000, `${produced} items were taken from the service`);
    socket.destroy();
  });

  it('gets everything in order when it goes on reading in time', async () => {
    upstream.answer('shop.watch', async function* () {
      const text = 'x'.repeat(10_000);
      for (let sequence = 0; sequence < 1_000; sequence++) yield { ...item(sequence), text };
    });
    const response = await open(gateway.port, path);
    let text = '';
    for await (const chunk of response) {
      text += chunk;
      await new Promise((resolve) => setImmediate(resolve));
    }
    const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    assert.deepEqual(
      ids,
      Array.from({ length: 1_000 }, (_, at) => at),
    );
  });
});

describe('a draining gateway', () => {
  it('ends streams between events, without an error', async () => {
    const own = await start();
    upstream.answer('shop.watch', async function* () {
      yield item(0);
      await never;
    });
    const client = await EventClient.open(own.port, path);
    await client.count(1);
    await own.drain(5_000);
    await until(() => client.ended, 'the end');
    assert.ok(client.response.complete);
    assert.deepEqual(
      client.events.map(({ event }) => event),
      ['snapshot'],
    );
    assert.equal(upstream.openStreams, 0);
  });
});
