import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { deriveToken } from 'flotilla/secret';
import { brokerUrl } from './broker-url.ts';

const secret = 'a-secret-of-enough-length';
const token = deriveToken(secret, 'broker');

describe('the URL of the broker', () => {
  it('has the token that members use, unless it has credentials', () => {
    assert.equal(brokerUrl({ natsUrl: 'nats://127.0.0.1:8422', secret }), `nats://${token}@127.0.0.1:8422`);
    const own = 'nats://ann:secret@127.0.0.1:4222';
    assert.equal(brokerUrl({ natsUrl: own, secret }), own);
  });

  it('names every server of a cluster', () => {
    const natsUrl = 'nats://a:4222, nats://t@b:4222';
    assert.equal(brokerUrl({ natsUrl, secret }), `nats://${token}@a:4222,nats://t@b:4222`);
  });
});
