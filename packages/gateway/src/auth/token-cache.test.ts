import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { TokenCache } from './token-cache.ts';

const entry = (expiresAt: number) => ({ user: { subject: 's', scopes: [] }, kid: 'k', expiresAt });

describe('the token cache', () => {
  it('holds no more than its capacity, and forgets what was used longest ago', () => {
    const cache = new TokenCache(2);
    cache.set('a', entry(10));
    cache.set('b', entry(10));
    assert.ok(cache.get('a', 0));
    cache.set('c', entry(10));
    assert.equal(cache.size, 2);
    assert.equal(cache.get('b', 0), undefined);
    assert.ok(cache.get('a', 0) && cache.get('c', 0));
  });

  it('forgets what has expired', () => {
    const cache = new TokenCache(2);
    cache.set('a', entry(10));
    assert.ok(cache.get('a', 9));
    assert.equal(cache.get('a', 10), undefined);
    assert.equal(cache.size, 0);
  });
});
