import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { describe, it } from 'node:test';
import { Refusal } from '../refusal.ts';
import { audience, forged, issuer, testIssuer } from '../testing/tokens.ts';
import { type KeyRing, staticKeyRing } from './key-ring.ts';
import { createTokenVerifier } from './token-verifier.ts';

let time = 1_800_000_000_000;
const now = () => time;
const identity = await testIssuer('key-1', now);
const stranger = await testIssuer('key-1', now);
const keys = await staticKeyRing({ keys: [identity.jwk as { kty: string }] });
const verifier = createTokenVerifier({ issuer, audience, keys, now });
const claims = () => ({ iss: issuer, aud: audience, sub: 'user-1', exp: time / 1000 + 600 });

async function refused(token: string): Promise<string> {
  let detail = '';
  await assert.rejects(verifier.verify(token), (error: unknown) => {
    assert.ok(error instanceof Refusal, String(error));
    assert.equal(error.code, 'unauthenticated');
    assert.match(error.headers[0]![1], /error="invalid_token"/);
    detail = error.message;
    return true;
  });
  return detail;
}

describe('a bearer token', () => {
  it('names the user, the scopes and further claims', async () => {
    const user = await verifier.verify(await identity.token({ account: 'a-7', jti: '1' }));
    assert.deepEqual(user, {
      subject: 'user-1',
      scopes: ['order:write', 'order:read'],
      claims: { account: 'a-7' },
    });
  });

  it('may do without a key id where there is one key, and with a list of audiences', async () => {
    const token = await identity.token({ aud: ['other', audience] }, { kid: undefined });
    assert.equal((await verifier.verify(token)).subject, 'user-1');
  });

  it('is refused without a signature of ours', async () => {
    await refused(await stranger.token());
    await refused(forged({ alg: 'none' }, claims()));
    await refused(`${forged({ alg: 'none' }, claims()).split('.').slice(0, 2).join('.')}.`);
    await refused(forged({ alg: 'EdDSA', kid: 'key-1' }, claims()));
  });

  it('is refused when it is signed with HMAC under the public key', async () => {
    for (const secret of [String(identity.jwk.x), Buffer.from(String(identity.jwk.x), 'base64url')]) {
      const unsigned = forged({ alg: 'HS256', kid: 'key-1' }, claims(), '').slice(0, -1);
      const signature = createHmac('sha256', secret).update(unsigned).digest('base64url');
      assert.equal(await refused(`${unsigned}.${signature}`), 'the token is not signed with EdDSA');
    }
  });

  it('is refused whatever keys or key addresses its header brings along', async () => {
    const { jwk } = stranger;
    await refused(await stranger.token({}, { jwk }));
    await refused(await stranger.token({}, { kid: undefined, jwk }));
    await refused(await stranger.token({}, { jku: 'http://127.0.0.1:1/jwks' }));
    await refused(await stranger.token({}, { x5u: 'http://127.0.0.1:1/cert' }));
    const own = await identity.token({}, { jwk: stranger.jwk, jku: 'http://127.0.0.1:1/jwks' });
    assert.equal((await verifier.verify(own)).subject, 'user-1');
  });

  it('is refused with a key id that is a path, unknown or no string', async () => {
    for (const kid of ['../../../../dev/null', '/etc/passwd', "' or 1=1 --", '__proto__', 'x'.repeat(300)]) {
      await refused(await identity.token({}, { kid }));
    }
    await refused(forged({ alg: 'EdDSA', kid: 7 }, claims()));
    await refused(forged({ alg: 'EdDSA', kid: { toString: 'key-1' } }, claims()));
  });

  it('is refused with extensions', async () => {
    const good = await identity.token();
    const [, payload, signature] = good.split('.');
    for (const header of [
      { alg: 'EdDSA', kid: 'key-1', crit: ['exp'] },
      { alg: 'EdDSA', kid: 'key-1', crit: [] },
      { alg: 'EdDSA', kid: 'key-1', b64: false },
      { alg: 'EdDSA', kid: 'key-1', b64: false, crit: ['b64'] },
    ]) {
      const encoded = Buffer.from(JSON.stringify(header)).toString('base64url');
      assert.equal(await refused(`${encoded}.${payload}.${signature}`), 'the token uses an extension');
    }
  });

  it('is refused when it is of another type', async () => {
    await refused(await identity.token({}, { typ: 'dpop+jwt' }));
    assert.equal((await verifier.verify(await identity.token({}, { typ: 'at+jwt' }))).subject, 'user-1');
  });

  it('is refused for another audience or from another issuer, and without them', async () => {
    assert.equal(
      await refused(await identity.token({ aud: 'other' })),
      "the token's 'aud' is not accepted here",
    );
    assert.equal(
      await refused(await identity.token({ iss: 'other' })),
      "the token's 'iss' is not accepted here",
    );
    await refused(await identity.token({ aud: undefined }));
    await refused(await identity.token({ iss: undefined }));
    await refused(await identity.token({ iss: [issuer] as unknown as string }));
  });

  it('is refused without an expiry, or with one that is no whole number', async () => {
    const bad = (exp: unknown) => identity.token({ exp: exp as number });
    await refused(await bad(undefined));
    await refused(await bad(String(time / 1000 + 600)));
    await refused(await bad(time / 1000 + 600.5));
    await refused(await bad(1e300));
    await refused(await bad(null));
  });

  it('is refused without a subject, with an empty one, or with scopes of another form', async () => {
    for (const sub of [undefined, '', 7, ['user-1'], 'x'.repeat(257)]) {
      await refused(await identity.token({ sub: sub as string }));
    }
    await refused(await identity.token({ scope: ['order:write'] }));
  });

  it('is refused when its payload is no object, and when it is no token', async () => {
    for (const payload of [[claims()], 'text', 7, null]) {
      await refused(forged({ alg: 'EdDSA', kid: 'key-1' }, payload));
    }
    for (const text of ['', 'a.b', 'a.b.c.d', '..', 'a..c', `${'a'.repeat(9_000)}.b.c`, 'é.b.c'])
      await refused(text);
  });

  it('expires, five seconds of clock difference allowed, remembered or not', async () => {
    const token = await identity.token();
    const start = time;
    await verifier.verify(token);
    time = start + 604_000;
    await verifier.verify(token);
    time = start + 606_000;
    assert.equal(await refused(token), 'the token has expired');
    time = start;
    const early = await identity.token({ nbf: time / 1000 + 60 });
    await refused(early);
  });

  it('is not trusted any longer when its key is withdrawn', async () => {
    let withdrawn = false;
    const ring: KeyRing = {
      find: async (kid) => (withdrawn ? undefined : keys.find(kid)),
      has: (kid) => !withdrawn && keys.has(kid),
    };
    const own = createTokenVerifier({ issuer, audience, keys: ring, now });
    const token = await identity.token();
    await own.verify(token);
    withdrawn = true;
    await assert.rejects(own.verify(token), { code: 'unauthenticated' });
  });
});
