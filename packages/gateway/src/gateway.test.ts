import assert from 'node:assert/strict';
import { after, before, describe as group, it } from 'node:test';
import {
  contract,
  describe,
  FlotillaError,
  invalidArgument,
  operation,
  platformError,
  silentLogger,
} from 'flotilla';
import { z } from 'zod';
import { parseGatewayConfig } from './config.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { FakeUpstream, Replayed } from './testing/fake-upstream.ts';
import { dial, open, postJson, receive, send, statuses, until } from './testing/http-client.ts';
import { shop } from './testing/shop.ts';

const upstream = new FakeUpstream([shop], {
  'shop.ping': () => ({ ok: true }),
  'shop.book': (input: { symbol: string; depth: number }) => input,
  'shop.reset': () => null,
});
let gateway: Gateway;
let port: number;

before(async () => {
  gateway = await startGateway({
    upstream,
    config: parseGatewayConfig({ limits: { bodyBytes: 1000 }, deadlineMs: 5_000 }),
    log: silentLogger,
    port: 0,
  });
  port = gateway.port;
});
after(() => gateway.close());

const lastCall = () => upstream.calls.at(-1)!;

group('a route of a contract', () => {
  it('answers with the bytes of the service', async () => {
    const answer = await send(port, '/v1/ping');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { ok: true });
    assert.equal(answer.headers['content-type'], 'application/json');
    assert.equal(answer.headers['cache-control'], 'no-store');
    assert.equal(answer.headers['x-content-type-options'], 'nosniff');
  });

  it('maps path and query into the input by their schema', async () => {
    const answer = await send(port, '/v1/markets/BTC%2CUSD/book?depth=5&flat=true');
    assert.deepEqual(answer.json(), { symbol: 'BTC,USD', depth: 5, flat: true });
  });

  it('passes a body that is the whole input through, byte for byte', async () => {
    upstream.answer('shop.place', () => ({ id: '1' }));
    const other = new FakeUpstream(
      [
        describe(
          contract('raw', {
            put: operation({ input: z.object({ a: z.number() }), access: 'public', http: 'POST /raw' }),
          }),
        ),
      ],
      { 'raw.put': () => null },
    );
    const one = await startGateway({
      upstream: other,
      config: parseGatewayConfig({}),
      log: silentLogger,
      port: 0,
    });
    const body = '{ "a": 1.000000000000000000001,\n "a": 2 }';
    const answer = await send(one.port, '/raw', postJson(body));
    assert.equal(answer.status, 204);
    assert.equal(answer.text, '');
    assert.equal(other.calls[0]!.payload, body);
    await one.close();
  });

  it('is served for HEAD without a body, with the length that GET would have', async () => {
    const answer = await send(port, '/v1/ping', { method: 'HEAD' });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers['content-length'], String(JSON.stringify({ ok: true }).length));
    assert.equal(answer.text, '');
  });

  it('tells its methods for OPTIONS and in a 405', async () => {
    const options = await send(port, '/v1/orders', { method: 'OPTIONS' });
    assert.equal(options.status, 204);
    assert.equal(options.headers.allow, 'GET, HEAD, OPTIONS, POST');
    const answer = await send(port, '/v1/ping', { method: 'DELETE' });
    assert.equal(answer.status, 405);
    assert.equal(answer.headers.allow, 'GET, HEAD, OPTIONS');
    assert.equal(answer.json().code, 'method_not_allowed');
  });

  it('that does not exist is a problem detail', async () => {
    const answer = await send(port, '/v1/nothing', { headers: { 'x-request-id': 'abc' } });
    assert.equal(answer.status, 404);
    assert.equal(answer.headers['content-type'], 'application/problem+json');
    assert.deepEqual(answer.json(), {
      type: 'urn:flotilla:error:not_found',
      title: 'Not found',
      status: 404,
      detail: 'there is no such route: /openapi.json lists those there are',
      code: 'not_found',
      instance: 'urn:flotilla:request:abc',
      requestId: 'abc',
    });
  });

  it('that is internal does not exist at all', async () => {
    assert.equal((await send(port, '/v1/keys')).status, 404);
  });

  it('appears when its service is deployed, and the first service by name keeps a contested one', async () => {
    const claims = (name: string) =>
      describe(
        contract(name, { mine: operation({ output: z.string(), access: 'public', http: 'GET /mine' }) }),
      );
    upstream.answer('zebra.mine', () => 'zebra');
    upstream.answer('ant.mine', () => 'ant');
    upstream.deploy(claims('zebra'));
    assert.equal((await send(port, '/mine')).text, '"zebra"');
    upstream.deploy(claims('ant'));
    assert.equal((await send(port, '/mine')).text, '"ant"');
    assert.deepEqual(gateway.conflicts, [
      { method: 'GET', path: '/mine', kept: 'ant.mine', dropped: 'zebra.mine' },
    ]);
  });
});

group('the status', () => {
  it('is 204 without a body where the operation has no output', async () => {
    const answer = await send(port, '/v1/reset', { method: 'POST' });
    assert.equal(answer.status, 204);
    assert.equal(answer.headers['content-length'], undefined);
    assert.equal((await send(port, '/v1/reset', postJson({}))).status, 204);
    assert.equal((await send(port, '/v1/reset', postJson({ a: 1 }))).status, 400);
  });

  it('is the replay status, and said in a header, for the result of an earlier call', async () => {
    const Pay = contract('pay', {
      pay: operation({
        output: z.object({ id: z.string() }),
        access: 'public',
        http: { route: 'POST /pay', status: 201, replayStatus: 200 },
      }),
    });
    upstream.deploy(describe(Pay));
    let known = false;
    upstream.answer('pay.pay', (_: never, options) => {
      const result = { id: options.idempotencyKey };
      const answer = known ? new Replayed(result) : result;
      known = true;
      return answer;
    });
    const sent = { method: 'POST', headers: { 'idempotency-key': 'k-1' } };
    const first = await send(port, '/pay', sent);
    const second = await send(port, '/pay', sent);
    assert.deepEqual([first.status, second.status], [201, 200]);
    assert.equal(first.headers['idempotent-replayed'], undefined);
    assert.equal(second.headers['idempotent-replayed'], 'true');
    assert.equal(first.text, second.text);
    assert.equal(
      (await send(port, '/pay', { method: 'POST', headers: { 'idempotency-key': 'a b' } })).status,
      400,
    );
  });
});

group('an error', () => {
  const fails = async (error: unknown, target = '/v1/markets/X/book') => {
    upstream.answer('shop.book', () => {
      throw error;
    });
    return send(port, target);
  };

  it('of validation names the parameter', async () => {
    const answer = await fails(
      invalidArgument([
        { path: ['depth'], message: 'too big' },
        { path: ['symbol'], message: 'unknown' },
      ]),
    );
    assert.equal(answer.status, 400);
    assert.deepEqual(answer.json().errors, [
      { in: 'query', parameter: 'depth', detail: 'too big' },
      { in: 'path', parameter: 'symbol', detail: 'unknown' },
    ]);
  });

  it('of validation points into the body', async () => {
    upstream.answer('shop.amend', () => {
      throw invalidArgument([
        { path: ['tags', 0, 'na/me'], message: 'expected string' },
        { path: [], message: 'all wrong' },
      ]);
    });
    const answer = await send(port, '/v1/orders/7', {
      ...postJson({ symbol: 'A', price: '1' }),
      method: 'PUT',
    });
    assert.deepEqual(answer.json().errors, [
      { in: 'body', pointer: '/tags/0/na~1me', detail: 'expected string' },
      { in: 'body', pointer: '', detail: 'all wrong' },
    ]);
  });

  it('of syntax in a body that is passed through has its place', async () => {
    const Raw = contract('typed', {
      put: operation({ input: z.object({ a: z.number() }), access: 'public', http: 'POST /typed' }),
    });
    upstream.deploy(describe(Raw));
    upstream.answer('typed.put', () => null);
    const answer = await send(port, '/typed', postJson('{"a": 1,}'));
    assert.equal(answer.status, 400);
    const detail =
      'the body is not JSON: expected a property name in double quotes at line 1, column 9 (offset 8)';
    assert.deepEqual(answer.json().errors, [{ in: 'body', pointer: '', detail }]);
  });

  it('that the contract declares has its status, title, own type and data', async () => {
    upstream.deploy(
      describe(
        contract('bank', {
          hold: operation({
            access: 'public',
            http: 'POST /hold',
            errors: { insufficient_funds: z.object({ available: z.string() }) },
          }),
        }),
      ),
    );
    upstream.answer('bank.hold', () => {
      throw new FlotillaError('insufficient_funds', 'only 5 left', {
        data: { available: '5' },
        declared: true,
      });
    });
    const answer = await send(port, '/hold', { method: 'POST' });
    assert.equal(answer.status, 422);
    const { type, title, detail, code, data } = answer.json();
    assert.deepEqual(
      { type, title, detail, code, data },
      {
        type: 'urn:flotilla:error:bank.hold:insufficient_funds',
        title: 'Insufficient funds',
        detail: 'only 5 left',
        code: 'insufficient_funds',
        data: { available: '5' },
      },
    );
  });

  it('inside the fleet tells nothing about the inside', async () => {
    for (const error of [
      new TypeError('secret: /etc/passwd'),
      platformError('internal', 'secret: /etc/passwd', { data: { secret: 1 } }),
      new FlotillaError('no_such_code', 'secret', { data: { secret: 1 } }),
      platformError('unavailable', 'secret: tcp://127.0.0.1:5555', { data: { executed: 'no', secret: 1 } }),
      platformError('deadline_exceeded', 'secret', { cause: new Error('secret') }),
    ]) {
      const answer = await fails(error);
      assert.ok(answer.status >= 500);
      assert.ok(!answer.text.includes('secret'), answer.text);
    }
  });

  it('of an unreachable service is 503 and says whether the call was executed', async () => {
    const answer = await fails(platformError('unavailable', 'gone', { data: { executed: 'no' } }));
    assert.equal(answer.status, 503);
    assert.equal(answer.headers['retry-after'], '1');
    assert.deepEqual(answer.json().data, { executed: 'no' });
  });

  it('with a time to retry rounds it up to seconds', async () => {
    const answer = await fails(platformError('resource_exhausted', 'slow down', { retryAfterMs: 1_001 }));
    assert.equal(answer.status, 429);
    assert.equal(answer.headers['retry-after'], '2');
    assert.equal(answer.json().detail, 'slow down');
  });
});

group('a request', () => {
  it('with an unknown or repeated query parameter is refused by name', async () => {
    const unknown = await send(port, '/v1/markets/X/book?dept=5');
    assert.equal(unknown.status, 400);
    assert.deepEqual(unknown.json().errors, [
      { in: 'query', parameter: 'dept', detail: 'unknown: known are depth, flat' },
    ]);
    const twice = await send(port, '/v1/markets/X/book?depth=5&depth=6');
    assert.deepEqual(twice.json().errors, [
      { in: 'query', parameter: 'depth', detail: 'sent more than once' },
    ]);
  });

  it('gets its id back, or a new one when the id is not harmless', async () => {
    const given = await send(port, '/v1/ping', { headers: { 'x-request-id': 'r-1.a:b' } });
    assert.equal(given.headers['x-request-id'], 'r-1.a:b');
    const odd = await send(port, '/v1/ping', { headers: { 'x-request-id': 'a b"' } });
    assert.match(odd.headers['x-request-id']!, /^[0-9a-f-]{36}$/);
  });

  it('tells the service whether it may be repeated', async () => {
    await send(port, '/v1/ping');
    assert.equal(lastCall().options.idempotent, false);
    const once = new FakeUpstream(
      [
        describe(
          contract('once', {
            put: operation({
              input: z.object({ account: z.string() }),
              idempotent: true,
              key: 'account',
              access: 'public',
              http: 'PUT /once',
            }),
          }),
        ),
      ],
      { 'once.put': () => null },
    );
    const one = await startGateway({
      upstream: once,
      config: parseGatewayConfig({}),
      log: silentLogger,
      port: 0,
    });
    await send(one.port, '/once', { ...postJson({ account: 'a-1' }), method: 'PUT' });
    const { idempotent, routingKey } = once.calls[0]!.options;
    assert.deepEqual([idempotent, routingKey], [true, 'a-1']);
    await send(one.port, '/once', { ...postJson('{"account":'), method: 'PUT' });
    assert.equal(once.calls.at(-1)!.options.routingKey, undefined);
    await one.close();
  });

  it('gives the service its deadline, which the client can only shorten', async () => {
    await send(port, '/v1/ping', { headers: { 'x-request-timeout': '700' } });
    assert.ok(lastCall().options.deadlineMs! <= 700 && lastCall().options.deadlineMs! > 0);
    await send(port, '/v1/ping', { headers: { 'x-request-timeout': '70000' } });
    assert.ok(lastCall().options.deadlineMs! <= 5_000 && lastCall().options.deadlineMs! > 700);
    assert.equal((await send(port, '/v1/ping', { headers: { 'x-request-timeout': '1s' } })).status, 400);
  });

  it('whose client goes away is cancelled at the service', async () => {
    let signal: AbortSignal | undefined;
    upstream.answer('shop.book', (_: never, options) => {
      signal = options.signal;
      return new Promise((_resolve, reject) => {
        options.signal!.addEventListener('abort', () => reject(platformError('cancelled', 'gone')));
      });
    });
    const { request } = await import('node:http');
    const outgoing = request({ port, path: '/v1/markets/X/book' });
    outgoing.on('error', () => {});
    outgoing.end();
    await until(() => signal !== undefined, 'the call');
    outgoing.destroy();
    await until(() => signal!.aborted, 'the cancellation');
  });

  it('for health is answered by the gateway itself', async () => {
    const answer = await send(port, '/healthz');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.json(), { status: 'ok' });
  });
});

group('a gateway that starts', () => {
  it('says unavailable, not "no such route", until it knows the routes', async () => {
    const empty = new FakeUpstream([], { 'shop.ping': () => ({ ok: true }) });
    const one = await startGateway({
      upstream: empty,
      config: parseGatewayConfig({}),
      log: silentLogger,
      port: 0,
      starting: true,
    });
    assert.equal((await send(one.port, '/v1/ping')).status, 503);
    assert.deepEqual((await send(one.port, '/healthz')).json(), { status: 'starting' });
    empty.deploy(shop);
    assert.equal((await send(one.port, '/v1/ping')).status, 200);
    one.ready();
    assert.equal((await send(one.port, '/v1/nothing')).status, 404);
    await one.close();
  });

  it('on a taken port says which, and the way out', async () => {
    await assert.rejects(
      startGateway({ upstream, config: parseGatewayConfig({}), log: silentLogger, port }),
      (error: FlotillaError) =>
        error.code === 'conflict' &&
        error.message === `port ${port} is taken: stop the other process or set FLOTILLA_GATEWAY_PORT`,
    );
  });
});

group('a gateway that drains', () => {
  it('finishes what is in progress and takes nothing new', async () => {
    const own = new FakeUpstream([shop]);
    let finish: (() => void) | undefined;
    own.answer(
      'shop.ping',
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ ok: true });
        }),
    );
    const one = await startGateway({
      upstream: own,
      config: parseGatewayConfig({}),
      log: silentLogger,
      port: 0,
    });
    const inProgress = send(one.port, '/v1/ping');
    await until(() => finish !== undefined, 'the call');
    const drained = one.drain(60_000);
    await assert.rejects(open(one.port, '/v1/ping'));
    finish!();
    assert.equal((await inProgress).status, 200);
    await drained;
  });

  it('does not wait for connections that are kept alive', async () => {
    const own = new FakeUpstream([shop]);
    let finish: (() => void) | undefined;
    own.answer(
      'shop.ping',
      () =>
        new Promise((resolve) => {
          finish = () => resolve({ ok: true });
        }),
    );
    const one = await startGateway({
      upstream: own,
      config: parseGatewayConfig({}),
      log: silentLogger,
      port: 0,
    });
    const socket = await dial(one.port);
    const received = receive(socket);
    socket.write('GET /v1/ping HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => finish !== undefined, 'the call');
    let drained = false;
    const draining = one.drain(60_000).then(() => {
      drained = true;
    });
    finish!();
    await until(() => drained, 'the end of the drain');
    await draining;
    assert.deepEqual(statuses(await received), [200]);
  });
});
