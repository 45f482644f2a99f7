import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRate } from './rate.ts';

describe('a rate', () => {
  it('is so many per second, minute or hour', () => {
    assert.deepEqual(['50/s', '50', '600/m', '1800/h', '0.5/s'].map(parseRate), [50, 50, 10, 0.5, 0.5]);
  });

  it('is refused as anything else', () => {
    for (const text of ['', '0', '-1/s', '5/d', 'fast', '5 /s', '1e3/s']) {
      assert.throws(() => parseRate(text), /which is no rate/, text);
    }
  });
});
