import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { randomHexSource } from './random-hex.ts';

describe('random hex', () => {
  it('never gives the same bytes of its pool twice', () => {
    let fills = 0;
    const next = randomHexSource((pool) => {
      fills++;
      for (let at = 0; at < pool.length; at += 4) pool.writeUInt32BE(fills * 100_000 + at, at);
    });
    const given = Array.from({ length: 1_000 }, (_, at) => next(at % 2 === 0 ? 16 : 8));
    assert.ok(given.every((text, at) => text.length === (at % 2 === 0 ? 32 : 16)));
    const words = given.flatMap((text) => text.match(/.{8}/g)!);
    assert.equal(new Set(words).size, words.length);
    assert.ok(fills >= 3);
  });

  it('is random', () => {
    const next = randomHexSource();
    const given = Array.from({ length: 1_000 }, () => next(8));
    assert.equal(new Set(given).size, 1_000);
  });
});
