import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { AckWindow, type Flight } from './ack-window.ts';

interface Named extends Flight {
  readonly name: number;
}

function flight(name: number, dueAt = 10_000): Named {
  return { name, token: 0, sentAt: Number.NaN, tries: 0, retryAt: Number.NaN, dueAt };
}

const names = (flights: readonly Named[]): number[] => flights.map(({ name }) => name);

describe('the window of unacknowledged messages', () => {
  it('sends as many as it may, and the next when one is acknowledged', () => {
    const window = new AckWindow<Named>({ limit: 2, ackMs: 100 });
    const [a, b, c] = [flight(1), flight(2), flight(3)];
    assert.deepEqual(
      [a, b, c].map((each) => window.offer(each, 0)),
      [true, true, false],
    );
    assert.equal(window.next(0), undefined);
    assert.equal(window.end(a.token), a);
    assert.equal(window.next(1), c);
    assert.deepEqual([window.underWay, window.waiting], [2, 0]);
  });

  it('lets nobody overtake those who wait', () => {
    const window = new AckWindow<Named>({ limit: 1, ackMs: 100 });
    const [a, b, c] = [flight(1), flight(2), flight(3)];
    window.offer(a, 0);
    window.offer(b, 0);
    window.end(a.token);
    assert.equal(window.offer(c, 0), false);
    assert.equal(window.next(0), b);
  });

  it('sends again what is not acknowledged in time', () => {
    const window = new AckWindow<Named>({ limit: 8, ackMs: 100 });
    const a = flight(1);
    window.offer(a, 0);
    assert.deepEqual(names(window.tick(99).again), []);
    assert.deepEqual(names(window.tick(100).again), [1]);
    assert.equal(a.tries, 2);
    assert.deepEqual(names(window.tick(101).again), []);
  });

  it('waits longer each time for who cannot take it at the moment', () => {
    const window = new AckWindow<Named>({ limit: 8, ackMs: 100 });
    const a = flight(1, 1_000_000);
    window.offer(a, 0);
    const waits: number[] = [];
    for (let now = 0, round = 0; round < 7; round++) {
      window.postpone(a.token, now);
      waits.push(a.retryAt - now);
      now = a.retryAt;
      window.tick(now);
    }
    assert.deepEqual(waits, [50, 100, 200, 400, 800, 1_000, 1_000]);
  });

  it('sends nothing while the broker is away, and all in the old order when it is back', () => {
    const window = new AckWindow<Named>({ limit: 3, ackMs: 100 });
    const flights = [1, 2, 3].map((name) => flight(name));
    for (const each of flights) window.offer(each, 0);
    window.end(flights[1]!.token);
    window.lost();
    assert.equal(window.offer(flight(4), 10), false);
    assert.deepEqual(names(window.tick(5_000).again), []);
    assert.equal(window.next(5_000), undefined);
    assert.deepEqual(names(window.back(6_000)), [1, 3]);
    assert.equal(window.next(6_000)?.name, 4);
  });

  it('gives up at the deadline, whether under way or waiting', () => {
    const window = new AckWindow<Named>({ limit: 1, ackMs: 100 });
    window.offer(flight(1, 500), 0);
    window.offer(flight(2, 400), 0);
    window.offer(flight(3, 600), 0);
    assert.deepEqual(names(window.tick(450).expired), [2]);
    assert.deepEqual(names(window.tick(500).expired), [1]);
    assert.equal(window.next(500)?.name, 3);
  });

  it('ends each message once, keeps the limit and loses none, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('offer' as const), deadline: fc.integer({ min: 1, max: 400 }) }),
      fc.record({ kind: fc.constant('ack' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('postpone' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('remove' as const), which: fc.nat() }),
      fc.record({ kind: fc.constant('lost' as const) }),
      fc.record({ kind: fc.constant('back' as const) }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 200 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const window = new AckWindow<Named>({ limit: 3, ackMs: 50 });
        const all: Named[] = [];
        const ended = new Set<Named>();
        let now = 0;
        const end = (each: Named): void => {
          assert.ok(!ended.has(each), `${each.name} ended twice`);
          ended.add(each);
        };
        for (const each of steps) {
          if (each.kind === 'offer') {
            const made = flight(all.length, now + each.deadline);
            all.push(made);
            window.offer(made, now);
          } else if (each.kind === 'ack') {
            const found = window.end(each.which % (all.length + 1));
            if (found) end(found);
          } else if (each.kind === 'postpone') {
            window.postpone(each.which % (all.length + 1), now);
          } else if (each.kind === 'remove') {
            const chosen = all[each.which % (all.length + 1)];
            if (chosen && window.remove(chosen)) end(chosen);
          } else if (each.kind === 'lost') window.lost();
          else if (each.kind === 'back') window.back(now);
          else {
            now += each.ms;
            for (const expired of window.tick(now).expired) end(expired);
          }
          while (window.next(now));
          assert.ok(window.underWay <= 3);
          assert.equal(window.underWay + window.waiting + ended.size, all.length);
        }
        for (const each of window.tick(1e9).expired) end(each);
        assert.equal(ended.size, all.length);
      }),
    );
  });
});
