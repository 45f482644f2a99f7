import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { testIssuer } from '../testing/tokens.ts';
import { remoteKeyRing, staticKeyRing } from './key-ring.ts';

const [one, two] = [(await testIssuer('one')).jwk, (await testIssuer('two')).jwk];

/** An issuer that can be away, and a clock. */
function remote() {
  const world = { time: 0, keys: [one] as unknown[], away: false, fetches: 0, errors: 0 };
  const ring = remoteKeyRing({
    now: () => world.time,
    async fetch() {
      world.fetches++;
      await Promise.resolve();
      if (world.away) throw new TypeError('away');
      return { keys: world.keys };
    },
    onError: () => world.errors++,
  });
  return { world, ring };
}

describe('remote keys', () => {
  it('are asked for once, however many wait for them', async () => {
    const { world, ring } = remote();
    const found = await Promise.all(Array.from({ length: 50 }, () => ring.find('one')));
    assert.ok(found.every(Boolean));
    assert.equal(world.fetches, 1);
  });

  it('are asked for at most once per cool-down in a storm of unknown key ids', async () => {
    const { world, ring } = remote();
    await ring.find('one');
    for (let ms = 0; ms < 30_000; ms += 10) {
      world.time = ms;
      assert.equal(await ring.find(`unknown-${ms}`), undefined);
    }
    assert.equal(world.fetches, 3);
  });

  it('learn a new key by its first token after the cool-down', async () => {
    const { world, ring } = remote();
    await ring.find('one');
    world.keys = [one, two];
    world.time = 10_000;
    assert.ok(await ring.find('two'));
    assert.ok(ring.has('two'));
  });

  it('stay in use while the issuer is away', async () => {
    const { world, ring } = remote();
    await ring.find('one');
    world.away = true;
    world.time = 3_600_000;
    assert.ok(await ring.find('one'));
    await ring.find('two').catch(() => {});
    assert.ok(await ring.find('one'));
    assert.ok(world.errors > 0);
  });

  it('that cannot be had make a token unverifiable for now, not invalid', async () => {
    const { world, ring } = remote();
    world.away = true;
    await assert.rejects(ring.find('one'), { code: 'unavailable' });
    await assert.rejects(ring.find('one'), { code: 'unavailable' });
    assert.equal(world.fetches, 1);
    world.away = false;
    world.time = 1_000;
    assert.ok(await ring.find('one'));
  });

  it('are asked for anew when they are old, and a withdrawn key is gone then', async () => {
    const { world, ring } = remote();
    await ring.find('one');
    world.keys = [two];
    world.time = 300_001;
    assert.ok(await ring.find('one'));
    while (ring.has('one'))
      await Promise.resolve().then(() => new Promise((resolve) => setImmediate(resolve)));
    assert.ok(await ring.find('two'));
    assert.equal(await ring.find('one'), undefined);
  });

  it('in a set of the wrong form count as not had', async () => {
    const { world, ring } = remote();
    world.keys = 'nonsense' as never;
    await assert.rejects(ring.find('one'), { code: 'unavailable' });
  });
});

describe('a key set', () => {
  it('gives only Ed25519 signing keys, and of them only the public part', async () => {
    const other = [
      { kty: 'oct', k: 'c2VjcmV0', kid: 'hmac' },
      { kty: 'RSA', n: 'AQAB', e: 'AQAB', kid: 'rsa' },
      { ...one, kid: 'encryption', use: 'enc' },
      { ...one, kid: 'other', alg: 'ES256' },
      { ...one, kid: 'x', crv: 'X25519' },
      { ...one, kid: 'with-private-part', d: 'nonsense' },
    ];
    const ring = await staticKeyRing({ keys: other as { kty: string }[] });
    for (const { kid } of other) assert.equal(ring.has(kid), kid === 'with-private-part', kid);
  });

  it('of several keys needs a key id', async () => {
    const ring = await staticKeyRing({ keys: [one, two] as { kty: string }[] });
    assert.equal(await ring.find(undefined), undefined);
    assert.ok(await ring.find('one'));
  });

  it('without a usable key is refused as configuration', async () => {
    await assert.rejects(staticKeyRing({ keys: [] }), { code: 'invalid_argument' });
  });
});
