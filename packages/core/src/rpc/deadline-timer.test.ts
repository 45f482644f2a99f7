import assert from 'node:assert/strict';
import { beforeEach, describe, it, mock } from 'node:test';
import fc from 'fast-check';
import { DeadlineTimer } from './deadline-timer.ts';

/** A set of deadlines under a virtual clock; remembers when each was found to be over. */
class Scene {
  now = 0;
  firings = 0;
  readonly pending = new Set<number>();
  readonly expired: { due: number; at: number }[] = [];
  readonly timer = new DeadlineTimer(
    (now) => {
      this.firings++;
      let next = Number.POSITIVE_INFINITY;
      for (const due of this.pending) {
        if (due > now) next = Math.min(next, due);
        else {
          this.pending.delete(due);
          this.expired.push({ due, at: now });
        }
      }
      return next;
    },
    () => this.now,
  );

  add(due: number): void {
    this.pending.add(due);
    this.timer.watch(due, this.now);
  }

  advance(ms: number): void {
    for (let step = 0; step < ms; step++) {
      this.now++;
      mock.timers.tick(1);
    }
  }
}

describe('deadline timer', () => {
  beforeEach(() => {
    mock.timers.reset();
    mock.timers.enable({ apis: ['setTimeout'] });
  });

  it('meets every deadline at most 5 ms late and never early', () => {
    const plan = fc.array(
      fc.record({ wait: fc.nat(40), budget: fc.double({ min: 1, max: 300, noNaN: true }) }),
      {
        maxLength: 30,
      },
    );
    fc.assert(
      fc.property(plan, (calls) => {
        mock.timers.reset();
        mock.timers.enable({ apis: ['setTimeout'] });
        const scene = new Scene();
        for (const { wait, budget } of calls) {
          scene.advance(wait);
          scene.add(scene.now + budget);
        }
        scene.advance(400);
        assert.equal(scene.pending.size, 0);
        for (const { due, at } of scene.expired) assert.ok(at >= due && at - due <= 5, `${due} met at ${at}`);
      }),
      { numRuns: 40 },
    );
  });

  it('fires once for many calls that all ended in time', () => {
    const scene = new Scene();
    for (let call = 0; call < 1000; call++) {
      const due = scene.now + 500;
      scene.add(due);
      scene.pending.delete(due);
      if (call % 10 === 0) scene.advance(1);
    }
    scene.advance(600);
    assert.equal(scene.firings, 1);
  });

  it('waits for a deadline that lies further off than a timer reaches', () => {
    const scene = new Scene();
    scene.add(0xffff_ffff);
    scene.now = 0x7fff_ffff;
    mock.timers.tick(0x7fff_ffff);
    assert.equal(scene.pending.size, 1);
    scene.now = 0xffff_ffff;
    mock.timers.tick(0x7fff_ffff);
    mock.timers.tick(2);
    assert.equal(scene.pending.size, 0);
  });

  it('does nothing after it was stopped', () => {
    const scene = new Scene();
    scene.add(10);
    scene.timer.stop();
    scene.advance(50);
    assert.equal(scene.firings, 0);
  });
});
