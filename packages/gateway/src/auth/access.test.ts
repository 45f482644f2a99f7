import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { silentLogger } from 'flotilla';
import { parseGatewayConfig } from '../config.ts';
import { type Gateway, startGateway } from '../gateway.ts';
import { FakeUpstream } from '../testing/fake-upstream.ts';
import { postJson, send } from '../testing/http-client.ts';
import { shop } from '../testing/shop.ts';
import { audience, issuer, testIssuer } from '../testing/tokens.ts';

const identity = await testIssuer();
const upstream = new FakeUpstream([shop], {
  'shop.keys': () => ({ keys: [identity.jwk] }),
  'shop.place': () => ({ id: '1' }),
  'shop.list': () => [],
  'shop.ping': () => ({ ok: true }),
});
const order = { symbol: 'A', price: '1' };
let gateway: Gateway;
before(async () => {
  gateway = await startGateway({
    upstream,
    config: parseGatewayConfig({ auth: { issuer, audience, keys: 'shop.keys' } }),
    log: silentLogger,
    port: 0,
  });
});
after(() => gateway.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const place = (headers: Record<string, string>) => send(gateway.port, '/v1/orders', postJson(order, headers));

describe('an operation that needs a user', () => {
  it('gets the user that the token proves, with keys from the configured operation', async () => {
    const answer = await place(bearer(await identity.token({ account: 'a-1' })));
    assert.equal(answer.status, 201);
    assert.deepEqual(upstream.calls.at(-1)!.options.user, {
      subject: 'user-1',
      scopes: ['order:write', 'order:read'],
      claims: { account: 'a-1' },
    });
  });

  it('challenges a request without a token, and says why a token is not accepted', async () => {
    const none = await place({});
    assert.equal(none.status, 401);
    assert.equal(none.headers['www-authenticate'], 'Bearer realm="flotilla"');
    assert.equal(none.json().code, 'unauthenticated');
    for (const authorization of ['Basic YTpi', 'Bearer', 'Bearer a b', 'Bearer nonsense']) {
      const answer = await place({ authorization });
      assert.equal(answer.status, 401, authorization);
      assert.equal(answer.headers['www-authenticate'], 'Bearer realm="flotilla", error="invalid_token"');
    }
    const expired = await place(bearer(await identity.token({ exp: 1_000_000 })));
    assert.equal(expired.json().detail, 'the token has expired');
  });

  it('names the scope that is missing', async () => {
    const answer = await place(bearer(await identity.token({ scope: 'order:read' })));
    assert.equal(answer.status, 403);
    assert.equal(answer.json().detail, "the token does not grant 'order:write'");
    assert.match(answer.headers['www-authenticate']!, /error="insufficient_scope", scope="order:write"/);
  });

  it('is open to any valid token where no scope is asked for', async () => {
    const answer = await send(gateway.port, '/v1/orders', {
      headers: bearer(await identity.token({ scope: undefined })),
    });
    assert.equal(answer.status, 200);
  });

  it('reads no body of a request that may not call it', async () => {
    const answer = await send(gateway.port, '/v1/orders', postJson('not json'));
    assert.equal(answer.status, 401);
  });
});

describe('identity headers of a client', () => {
  it('change nothing, whatever their spelling and wherever they stand', async () => {
    const token = await identity.token();
    for (const name of ['X-User-Id', 'x_user_id', 'X.User.Id', 'X-Flotilla-User', 'x-flotilla_subject']) {
      const answer = await send(gateway.port, '/v1/orders', {
        headers: { ...bearer(token), [name]: ['admin', 'root'], connection: `close, ${name}, authorization` },
      });
      assert.equal(answer.status, 200, name);
      const { payload, options } = upstream.calls.at(-1)!;
      assert.equal(options.user!.subject, 'user-1');
      assert.ok(!JSON.stringify([payload, { ...options, trace: undefined }]).includes('admin'));
    }
  });

  it('give no identity to a public operation', async () => {
    await send(gateway.port, '/v1/ping', {
      headers: { 'x-user-id': 'admin', authorization: 'Bearer nonsense' },
    });
    assert.equal(upstream.calls.at(-1)!.options.user, undefined);
  });
});

describe('a gateway without configured tokens', () => {
  it('serves public operations only', async () => {
    const open = await startGateway({ upstream, config: parseGatewayConfig({}), log: silentLogger, port: 0 });
    assert.equal((await send(open.port, '/v1/ping')).status, 200);
    const closed = await send(open.port, '/v1/orders', { headers: bearer(await identity.token()) });
    assert.equal(closed.status, 401);
    await open.close();
  });
});

describe('a gateway whose issuer is away', () => {
  it('answers unavailable before it has keys, and goes on with those it has', async () => {
    const own = new FakeUpstream([shop], { 'shop.list': () => [] });
    const config = parseGatewayConfig({ auth: { issuer, audience, keys: 'shop.keys' } });
    const one = await startGateway({ upstream: own, config, log: silentLogger, port: 0 });
    const list = async () =>
      (await send(one.port, '/v1/orders', { headers: bearer(await identity.token()) })).status;
    assert.equal(await list(), 503);
    own.answer('shop.keys', () => ({ keys: [identity.jwk] }));
    const end = performance.now() + 5_000;
    while ((await list()) !== 200) assert.ok(performance.now() < end, 'the keys were never asked for again');
    own.answer('shop.keys', () => {
      throw new TypeError('away');
    });
    assert.equal(await list(), 200);
    await one.close();
  });

  it('answers within the time of the request, however long the keys take', async () => {
    let asked = 0;
    const own = new FakeUpstream([shop], {
      'shop.list': () => [],
      'shop.keys': () => {
        asked++;
        return new Promise(() => {});
      },
    });
    const config = parseGatewayConfig({ auth: { issuer, audience, keys: 'shop.keys' } });
    const one = await startGateway({ upstream: own, config, log: silentLogger, port: 0 });
    const headers = { ...bearer(await identity.token()), 'x-request-timeout': '40' };
    const answer = await send(one.port, '/v1/orders', { headers });
    assert.deepEqual([answer.status, answer.json().code, asked], [504, 'deadline_exceeded', 1]);
    await one.close();
  });
});
