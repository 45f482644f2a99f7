import assert from 'node:assert/strict';
import { describe, it, mock } from 'node:test';
import { Alarm } from './alarm.ts';

describe('an alarm', () => {
  it('wakes all whose moment has come in one turn, and nobody before', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const alarm = new Alarm(() => Date.now());
    const woken: string[] = [];
    let turn = 0;
    for (const [name, at] of [
      ['late', 300],
      ['early', 100],
      ['also early', 100],
    ] as const) {
      alarm.set(() => woken.push(`${name} in turn ${turn}`), at);
    }
    for (turn = 1; turn <= 30; turn++) t.mock.timers.tick(10);
    assert.deepEqual(woken, ['early in turn 10', 'also early in turn 10', 'late in turn 30']);
  });

  it('wakes each at its last wish, and not at all who does not want it any more', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const alarm = new Alarm(() => Date.now());
    const moved = mock.fn();
    const gone = mock.fn();
    alarm.set(moved, 50);
    alarm.set(gone, 50);
    alarm.set(moved, 200);
    alarm.set(gone, Number.POSITIVE_INFINITY);
    t.mock.timers.tick(199);
    assert.equal(moved.mock.callCount(), 0);
    t.mock.timers.tick(1_000);
    assert.equal(moved.mock.callCount(), 1);
    assert.equal(gone.mock.callCount(), 0);
  });

  it('may be set anew by whom it wakes', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout', 'Date'] });
    const alarm = new Alarm(() => Date.now());
    const at: number[] = [];
    const wake = (): void => {
      at.push(Date.now());
      alarm.set(wake, Date.now() + 100);
    };
    alarm.set(wake, 100);
    for (let step = 0; step < 30; step++) t.mock.timers.tick(10);
    assert.deepEqual(at, [100, 200, 300]);
  });
});
