import assert from 'node:assert/strict';
import { test } from 'node:test';
import { array, assert as check, integer, property } from 'fast-check';
import { AnnouncementSchedule, generalMs, heartbeatMs, rejoinJitterMs } from './announcement-schedule.ts';

const chance = integer({ min: 0, max: 999 }).map((thousandths) => thousandths / 1_000);

/** The moments between two times at which a member announces itself. */
function run(schedule: AnnouncementSchedule, until: number): number[] {
  const moments: number[] = [];
  while (schedule.dueAt < until) {
    moments.push(schedule.dueAt);
    schedule.announced(schedule.dueAt);
  }
  return moments;
}

/** The most of these moments that lie within a window. */
function most(moments: readonly number[], windowMs: number): number {
  const sorted = [...moments].sort((a, b) => a - b);
  return Math.max(
    ...sorted.map((start) => sorted.filter((at) => at >= start && at < start + windowMs).length),
  );
}

test('a member announces itself every second, at a phase of its own', () => {
  check(
    property(chance, (phase) => {
      const moments = run(new AnnouncementSchedule(0, phase), 10_000);
      assert.equal(moments.length, 10);
      for (const [n, at] of moments.entries()) assert.ok(Math.abs(at - (phase + n) * heartbeatMs) < 1e-6);
    }),
  );
});

test('beats that were missed are not made up for', () => {
  const schedule = new AnnouncementSchedule(0, 0.5);
  schedule.announced(30_200);
  assert.equal(schedule.dueAt, 30_500);
});

test('after the return of the broker a member announces itself once more, soon, and keeps its phase', () => {
  check(
    property(chance, chance, integer({ min: 0, max: 60_000 }), (phase, random, now) => {
      const schedule = new AnnouncementSchedule(0, phase);
      run(schedule, now);
      schedule.rejoined(now, random);
      const moments = run(schedule, now + 3_000);
      assert.ok(moments[0]! - now <= rejoinJitterMs);
      assert.ok(moments.length <= 4, 'three beats and one more');
      const beats = moments.slice(1).map((at) => at / heartbeatMs - phase);
      for (const beat of beats) assert.ok(Math.abs(beat - Math.round(beat)) < 1e-6);
    }),
  );
});

test('a connection that comes and goes does not multiply announcements', () => {
  check(
    property(
      array(integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 }),
      chance,
      (pauses, random) => {
        const schedule = new AnnouncementSchedule(0, 0.999);
        let now = 0;
        let made = 0;
        for (const pause of pauses) {
          schedule.rejoined(now, random);
          now += pause;
          made += run(schedule, now).length;
        }
        assert.ok(made <= pauses.length + Math.ceil(now / heartbeatMs));
      },
    ),
  );
});

test('a thousand members that lost the broker return without a storm', () => {
  const members = 1_000;
  const moments: number[] = [];
  for (let member = 0; member < members; member++) {
    const schedule = new AnnouncementSchedule(0, Math.random());
    run(schedule, 30_000);
    // Clients try to connect every 100 to 250 ms.
    schedule.rejoined(30_000 + Math.random() * 250, Math.random());
    moments.push(...run(schedule, 32_000));
  }
  const firstSecond = moments.filter((at) => at < 31_000);
  assert.ok(firstSecond.length <= 2 * members);
  assert.ok(most(firstSecond, 50) < members * 0.3, `${most(firstSecond, 50)} of ${members} within 50 ms`);
  const nextSecond = moments.filter((at) => at >= 31_000);
  assert.ok(most(nextSecond, 50) < members * 0.1, 'and do not beat together afterwards');
});

test('everybody is told every 30 seconds and after the return of the broker, else those who call the service', () => {
  check(
    property(chance, chance, integer({ min: 0, max: 60_000 }), (phase, random, backAt) => {
      const schedule = new AnnouncementSchedule(0, phase);
      const general: number[] = [];
      const run = (until: number) => {
        for (let at = schedule.dueAt; at < until; at = schedule.dueAt) {
          if (schedule.isGeneral) general.push(at);
          schedule.announced(at);
        }
      };
      run(backAt);
      for (const [n, at] of general.entries()) assert.ok(Math.abs(at - (n + 1) * generalMs) <= heartbeatMs);
      general.length = 0;
      schedule.rejoined(backAt, random);
      run(backAt + 2 * generalMs);
      assert.ok(general[0]! - backAt <= rejoinJitterMs);
      for (const [n, at] of general.slice(1).entries())
        assert.ok(at - general[n]! <= generalMs + heartbeatMs);
    }),
  );
});
