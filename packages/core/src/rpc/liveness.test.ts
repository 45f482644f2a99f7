import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Liveness } from './liveness.ts';

function verdicts(liveness: Liveness, ticks: number): string[] {
  return Array.from({ length: ticks }, () => liveness.tick());
}

describe('liveness', () => {
  it('asks a silent peer for a sign of life, and gives it up when none comes', () => {
    const liveness = new Liveness({ pingMs: 5000, deadMs: 10_000 });
    assert.equal(liveness.tickMs, 1250);
    assert.deepEqual(verdicts(liveness, 8), [
      'alive',
      'alive',
      'alive',
      'ping',
      'alive',
      'alive',
      'alive',
      'dead',
    ]);
  });

  it('never gives up a peer that shows life once per limit, however slowly it speaks', () => {
    const liveness = new Liveness({ pingMs: 5000, deadMs: 10_000 });
    for (let round = 0; round < 100; round++) {
      liveness.heard();
      assert.ok(!verdicts(liveness, 8).includes('dead'));
    }
  });

  it('does not ask a peer that speaks', () => {
    const liveness = new Liveness({ pingMs: 5000, deadMs: 10_000 });
    for (let tick = 0; tick < 50; tick++) {
      liveness.heard();
      assert.equal(liveness.tick(), 'alive');
    }
  });

  it('works with a limit for death below the one for asking', () => {
    const liveness = new Liveness({ pingMs: 5000, deadMs: 100 });
    assert.equal(liveness.tickMs, 25);
    assert.deepEqual(verdicts(liveness, 4), ['alive', 'alive', 'alive', 'dead']);
  });
});
