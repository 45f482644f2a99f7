/** What arrives as bytes: framing tricks, slow and vanishing clients. Each case is a raw socket. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from 'flotilla';
import { parseGatewayConfig } from '../config.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { FakeUpstream } from '../testing/fake-upstream.ts';
import { dial, postJson, raw, receive, send, statuses, until } from '../testing/http-client.ts';
import { shop } from '../testing/shop.ts';

const upstream = new FakeUpstream([shop], {
  'shop.ping': () => ({ ok: true }),
  'shop.amend': () => ({ id: '1' }),
  'shop.admin': () => 'secret',
});
let gateway: Gateway;
let port: number;
before(async () => {
  gateway = await startGateway({
    upstream,
    config: parseGatewayConfig({
      limits: {
        bodyBytes: 100_000,
        headerTimeoutMs: 500,
        requestTimeoutMs: 1_000,
        idleTimeoutMs: 200,
        connections: 50,
      },
      deadlineMs: 400,
    }),
    log: silentLogger,
    port: 0,
  });
  port = gateway.port;
});
after(() => gateway.close());

const body = '{"symbol":"A","price":"1"}';
const put = (headers: string, content = body) =>
  `PUT /v1/orders/1 HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n${headers}\r\n${content}`;
const ping = 'GET /v1/ping HTTP/1.1\r\nHost: a\r\n\r\n';
const smuggled = 'GET /admin HTTP/1.1\r\nHost: a\r\n\r\n';

/** Sends `bytes` and expects one refusal, after which the connection closes and nothing was called. */
async function refused(bytes: string, status: RegExp = /^4\d\d$/): Promise<string> {
  const calls = upstream.calls.length;
  const received = await raw(port, bytes);
  const got = statuses(received);
  assert.ok(got.length <= 1, `one answer at most:\n${received}`);
  if (got.length === 1) assert.match(String(got[0]), status, received);
  assert.equal(upstream.calls.length, calls, `nothing is called by:\n${bytes}`);
  return received;
}

describe('a body with two readings', () => {
  const length = `Content-Length: ${body.length}\r\n`;
  const cases: Record<string, string> = {
    'Content-Length and Transfer-Encoding': put(
      `${length}Transfer-Encoding: chunked\r\n`,
      `0\r\n\r\n${smuggled}`,
    ),
    'Transfer-Encoding and Content-Length': put(
      `Transfer-Encoding: chunked\r\n${length}`,
      `0\r\n\r\n${smuggled}`,
    ),
    'two different lengths': put(`${length}Content-Length: 0\r\n`, body + smuggled),
    'two equal lengths': put(length + length, body + smuggled),
    'a list of lengths': put(`Content-Length: ${body.length}, ${body.length}\r\n`),
    'a signed length': put(`Content-Length: +${body.length}\r\n`),
    'a zero-padded length': put(`Content-Length: 0${body.length}\r\n`),
    'an alias of the length': put(`${length}Content_Length: 0\r\n`),
    'a hidden coding': put('Transfer-Encoding: xchunked\r\n', `0\r\n\r\n${smuggled}`),
    'a list of codings': put('Transfer-Encoding: gzip, chunked\r\n', `0\r\n\r\n${smuggled}`),
    'chunked twice': put(
      'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n',
      `0\r\n\r\n${smuggled}`,
    ),
    'identity then chunked': put(
      'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n',
      `0\r\n\r\n${smuggled}`,
    ),
    'a coding with a vertical tab': put('Transfer-Encoding: \x0bchunked\r\n', `0\r\n\r\n${smuggled}`),
    'a space before the colon': put(`Content-Length : ${body.length}\r\n`),
    'a folded coding': put('Transfer-Encoding:\r\n chunked\r\n', `0\r\n\r\n${smuggled}`),
    'chunks in HTTP/1.0': put('Transfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`).replace(
      'HTTP/1.1',
      'HTTP/1.0',
    ),
    'a chunk size in signs': put('Transfer-Encoding: chunked\r\n', `+1a\r\n${body}\r\n0\r\n\r\n${smuggled}`),
    'a chunk size with a prefix': put(
      'Transfer-Encoding: chunked\r\n',
      `0x1a\r\n${body}\r\n0\r\n\r\n${smuggled}`,
    ),
    'a chunk size that overflows': put(
      'Transfer-Encoding: chunked\r\n',
      `1000000000000001a\r\n${body}\r\n0\r\n\r\n`,
    ),
    'a chunk longer than its size': put(
      'Transfer-Encoding: chunked\r\n',
      `2\r\n${body}\r\n0\r\n\r\n${smuggled}`,
    ),
    'chunk lines that end in LF': put('Transfer-Encoding: chunked\r\n', `1a\n${body}\n0\n\n${smuggled}`),
    'a body on GET': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    'chunks on GET': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
  };
  for (const [kind, bytes] of Object.entries(cases)) {
    it(`is refused: ${kind}`, async () => {
      const received = await refused(bytes);
      assert.equal(statuses(received).length, 1, 'the client is told');
    });
  }
});

describe('a request head with two readings', () => {
  const cases: Record<string, string> = {
    'two Hosts': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n${ping}`,
    'no Host': `GET /v1/ping HTTP/1.1\r\n\r\n${ping}`,
    'an empty Host': `GET /v1/ping HTTP/1.1\r\nHost:\r\n\r\n${ping}`,
    'a Host that is none': `GET /v1/ping HTTP/1.1\r\nHost: a/../b\r\n\r\n${ping}`,
    'an absolute target': `GET http://evil/v1/ping HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'a foreign scheme': `GET foo:///v1/ping HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'a double slash': `GET //evil/v1/ping HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    backslashes: `GET /v1\\ping HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'a fragment': `GET /v1/ping#x HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'an asterisk': `OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'two Authorizations': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n${ping}`,
    'an alias of Authorization': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nAuthorization: a\r\nauthorization_: b\r\nAuthorization-: c\r\n\r\n${ping}`,
    'HTTP/2.0': `GET /v1/ping HTTP/2.0\r\nHost: a\r\n\r\n${ping}`,
    'HTTP/0.9': `GET /v1/ping\r\n\r\n`,
    'no version': `GET /v1/ping HTTP\r\nHost: a\r\n\r\n${ping}`,
    'a bare CR': `GET /v1/ping HTTP/1.1\r\nHost: a\rX-Y: b\r\n\r\n${ping}`,
    'bare LFs': `GET /v1/ping HTTP/1.1\nHost: a\n\n${ping}`,
    'a NUL': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nX-Y: a\0b\r\n\r\n${ping}`,
    'a folded line': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nX-Y: a\r\n b\r\n\r\n${ping}`,
    'an unknown expectation': `GET /v1/ping HTTP/1.1\r\nHost: a\r\nExpect: 200-ok\r\n\r\n${ping}`,
    'a proxy request': `CONNECT admin:80 HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
    'an unknown method': `PUNCH /v1/ping HTTP/1.1\r\nHost: a\r\n\r\n${ping}`,
  };
  for (const [kind, bytes] of Object.entries(cases)) {
    it(`is refused: ${kind}`, async () => {
      await refused(bytes, /^(?:4\d\d|505)$/);
    });
  }

  it('is refused with a problem detail, a request id and the end of the connection', async () => {
    const received = await refused(`GET /a/../b HTTP/1.1\r\nHost: a\r\n\r\n${ping}`, /^400$/);
    assert.match(received, /content-type: application\/problem\+json/i);
    assert.match(received, /x-request-id: [0-9a-f-]{36}/i);
    assert.match(received, /connection: close/i);
    assert.match(received, /"code":"invalid_argument"/);
    const unparsable = await refused('nonsense\r\n\r\n', /^400$/);
    assert.match(unparsable, /content-type: application\/problem\+json/i);
    assert.match(unparsable, /"code":"invalid_argument"/);
  });

  it('that is too large is refused by the part that is', async () => {
    await refused(`GET /v1/ping HTTP/1.1\r\nHost: a\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`, /^431$/);
    await refused(`GET /v1/ping HTTP/1.1\r\nHost: a\r\n${'X: a\r\n'.repeat(150)}\r\n`, /^431$/);
    await refused(`GET /v1/${'a'.repeat(10_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, /^414$/);
  });
});

describe('a connection', () => {
  it('serves pipelined requests in order', async () => {
    const received = await raw(
      port,
      ping + ping.replace('/v1/ping', '/v1/none') + ping,
      (text) => statuses(text).length === 3,
    );
    assert.deepEqual(statuses(received), [200, 404, 200]);
  });

  it('answers a request for an upgrade in HTTP/1.1, and ends before the bytes that follow', async () => {
    const upgrade = ping.replace('\r\n\r\n', '\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n');
    const received = await raw(port, upgrade + smuggled);
    assert.deepEqual(statuses(received), [200]);
    assert.match(received, /connection: close/i);
  });

  it('reads a chunked body as one body, and never its trailers', async () => {
    const chunked = put(
      'Transfer-Encoding: chunked\r\nTrailer: Authorization\r\n',
      `1a;ext=1\r\n${body}\r\n0\r\nAuthorization: Bearer evil\r\nX-User-Id: admin\r\n\r\n`,
    );
    const received = await raw(port, chunked, (text) => statuses(text).length === 1 && text.includes('"id"'));
    assert.deepEqual(statuses(received), [200]);
    assert.equal(upstream.calls.at(-1)!.payload, `{"id":"1",${body.slice(1)}`);
    assert.equal(upstream.calls.at(-1)!.options.user, undefined);
  });

  it('closes when the answer came before the body did', async () => {
    const early = `POST /v1/none HTTP/1.1\r\nHost: a\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
    const received = await raw(port, early);
    assert.deepEqual(statuses(received), [404]);
    assert.match(received, /connection: close/i);
  });
});

describe('a body', () => {
  it('that declares too much is refused before it is sent', async () => {
    const socket = await dial(port);
    socket.write(put('Content-Length: 100001\r\n', ''));
    const received = await receive(socket, (text) => text.includes('}'));
    assert.deepEqual(statuses(received), [413]);
    assert.match(received, /"code":"payload_too_large"/);
  });

  it('of unknown length is cut off at the limit, and its sender still gets the answer', async () => {
    const answer = await send(port, '/v1/orders/1', {
      ...postJson('a'.repeat(10_000_000), { 'transfer-encoding': 'chunked' }),
      method: 'PUT',
    });
    assert.equal(answer.status, 413);
  });

  it('is asked for with 100 Continue only where it is wanted', async () => {
    const expecting = `Content-Length: ${body.length}\r\nExpect: 100-continue\r\n`;
    const wanted = await dial(port);
    wanted.write(put(expecting, ''));
    wanted.once('data', () => wanted.write(body));
    assert.deepEqual(statuses(await receive(wanted, (text) => statuses(text).includes(200))), [100, 200]);
    const unwanted = await raw(port, put(expecting, '').replace('application/json', 'text/plain'), (text) =>
      text.includes('}'),
    );
    assert.deepEqual(statuses(unwanted), [415]);
  });

  it('that comes too slowly ends in 408', async () => {
    const received = await raw(port, put(`Content-Length: ${body.length}\r\n`, body.slice(0, 5)));
    assert.deepEqual(statuses(received), [408]);
    assert.match(received, /"code":"deadline_exceeded"/);
  });

  it('whose client goes away calls nothing', async () => {
    const calls = upstream.calls.length;
    const socket = await dial(port);
    socket.write(put(`Content-Length: ${body.length}\r\n`, body.slice(0, 5)));
    await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    assert.equal((await send(port, '/v1/ping')).status, 200);
    assert.equal(upstream.calls.length, calls + 1);
  });
});

describe('slow clients', () => {
  it('that do not take their answer are cut off', async () => {
    const own = new FakeUpstream([shop], { 'shop.ping': () => ({ ok: true, text: 'x'.repeat(20_000_000) }) });
    const config = parseGatewayConfig({ limits: { stalledMs: 100 } });
    const one = await startGateway({ upstream: own, config, log: silentLogger, port: 0 });
    const socket = await dial(one.port);
    socket.pause();
    socket.on('error', () => {});
    socket.write(ping);
    await until(() => own.calls.length === 1, 'the call');
    let drained = false;
    const draining = one.drain(60_000).then(() => {
      drained = true;
    });
    await until(() => drained, 'the cut');
    await draining;
    socket.destroy();
  });

  it('that trickle their headers are cut off, and others notice nothing', async () => {
    const slow = await Promise.all(Array.from({ length: 20 }, () => dial(port)));
    const ends = slow.map((socket) => {
      socket.write('GET /v1/ping HTTP/1.1\r\nHost: a\r\nX-A: ');
      return receive(socket);
    });
    assert.equal((await send(port, '/v1/ping')).status, 200);
    for (const received of await Promise.all(ends)) assert.deepEqual(statuses(received), [408]);
  });

  it('that say nothing at all, or nothing more, are cut off', async () => {
    const silent = await dial(port);
    const idle = await dial(port);
    idle.write(ping);
    const [nothing, one] = await Promise.all([receive(silent), receive(idle)]);
    assert.ok(statuses(nothing).every((status) => status === 408));
    assert.deepEqual(statuses(one), [200]);
  });

  it('beyond the bound on connections are closed, and room is made when others leave', async () => {
    const held = await Promise.all(Array.from({ length: 50 }, () => dial(port)));
    const closed = held.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    const extra = await dial(port);
    await receive(extra);
    for (const socket of held) socket.destroy();
    await Promise.all(closed);
    let status = 0;
    const retry = async () => {
      status = await send(port, '/v1/ping').then(
        (answer) => answer.status,
        () => 0,
      );
    };
    for (let tries = 0; tries < 100 && status !== 200; tries++) await retry();
    await until(() => status === 200, 'a normal answer');
  });
});
