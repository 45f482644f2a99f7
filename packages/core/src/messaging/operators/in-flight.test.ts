import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InFlight } from './in-flight.ts';

describe('things under way', () => {
  it('are no more than the limit, and begin in order', async () => {
    const inFlight = new InFlight(3);
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    let running = 0;
    let most = 0;
    const all = (async () => {
      for (let n = 0; n < 10; n++) {
        await inFlight.begin(async () => {
          begun.push(n);
          most = Math.max(most, ++running);
          await new Promise<void>((resolve) => ends.push(resolve));
          running--;
        });
      }
      await inFlight.settled();
    })();
    for (let n = 0; n < 10; n++) {
      while (ends.length === 0) await new Promise((resolve) => setImmediate(resolve));
      ends.pop()?.();
    }
    await all;
    assert.deepEqual(begun, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    assert.equal(most, 3);
  });

  it('are followed by none after a failure, which is told once they have ended', async () => {
    const inFlight = new InFlight(1);
    await inFlight.begin(async () => {
      throw new Error('no');
    });
    let began = false;
    await assert.rejects(
      inFlight.begin(async () => {
        began = true;
      }),
      /no/,
    );
    assert.equal(began, false);
    await assert.rejects(inFlight.settled(), /no/);
  });
});
