import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { chainHash, genesisHash } from './hash-chain.ts';

const transfer = {
  id: 'deposit:first',
  time: 1_700_000_000_000,
  entries: [
    { account: 'house', asset: 'USD', amount: -5n },
    { account: 'alice', asset: 'USD', amount: 5n },
  ],
};

test('the hash is that of the documented text', () => {
  const text = `["${genesisHash}",1,"deposit:first",1700000000000,[["house","USD","-5"],["alice","USD","5"]]]`;
  assert.equal(chainHash(genesisHash, 1, transfer), createHash('sha256').update(text).digest('hex'));
});

test('every part of a transfer changes its hash', () => {
  const [first, second] = transfer.entries;
  const hashes = [
    chainHash(genesisHash, 1, transfer),
    chainHash('f'.repeat(64), 1, transfer),
    chainHash(genesisHash, 2, transfer),
    chainHash(genesisHash, 1, { ...transfer, id: 'deposit:other' }),
    chainHash(genesisHash, 1, { ...transfer, time: 1_700_000_000_001 }),
    chainHash(genesisHash, 1, { ...transfer, entries: [second!, first!] }),
    chainHash(genesisHash, 1, { ...transfer, entries: [first!, { ...second!, amount: 6n }] }),
    chainHash(genesisHash, 1, { ...transfer, entries: [first!, { ...second!, account: 'bob' }] }),
    chainHash(genesisHash, 1, { ...transfer, entries: [first!, { ...second!, asset: 'BTC' }] }),
  ];
  assert.equal(new Set(hashes).size, hashes.length);
});
