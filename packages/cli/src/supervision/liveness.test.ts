import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Liveness, type Reading } from './liveness.ts';

const INTERVAL_MS = 1_000;

/** Processes on a virtual clock: what each does with a second decides whether it answers and what is seen of it. */
class World {
  readonly liveness = new Liveness(INTERVAL_MS);
  readonly wedged: string[] = [];
  now = 50_000;
  #asked: { instance: string; id: number }[] = [];
  readonly seen = new Map<string, Reading>();

  /** Lets time pass with a tick at the end; `cpuMs` is what `instance` got of it. */
  pass(instance: string, state: string, cpuMs: number, passedMs = INTERVAL_MS): void {
    this.now += passedMs;
    const before = this.seen.get(instance)?.cpuMs ?? 0;
    this.seen.set(instance, { state, cpuMs: before + cpuMs });
    this.tick();
  }

  tick(): void {
    const { ask, wedged } = this.liveness.tick(this.now, (name) => this.seen.get(name));
    this.#asked.push(...ask);
    this.wedged.push(...wedged.map(({ instance, reason }) => `${instance} ${reason}`));
  }

  answer(): void {
    for (const { instance, id } of this.#asked.splice(0)) this.liveness.answered(instance, id);
  }
}

function watching(): World {
  const world = new World();
  world.seen.set('risk-1', { state: 'S', cpuMs: 0 });
  world.liveness.watch('risk-1', 5_000);
  world.tick();
  return world;
}

describe('the liveness of a process', () => {
  it('is beyond doubt while it answers', () => {
    const world = watching();
    for (let second = 0; second < 3_600; second++) {
      world.answer();
      world.pass('risk-1', 'S', 1);
    }
    assert.deepEqual(world.wedged, []);
  });

  it('ends five seconds after the first question that it does not answer, when it is stopped', () => {
    const world = watching();
    for (let second = 0; second < 4; second++) world.pass('risk-1', 'T', 0);
    assert.deepEqual(world.wedged, []);
    world.pass('risk-1', 'T', 0);
    assert.deepEqual(world.wedged, ['risk-1 wedged: no answer for 5.0 s, the process is stopped (SIGSTOP)']);
    world.pass('risk-1', 'T', 0);
    assert.equal(world.wedged.length, 1, 'and is reported once');
  });

  it('ends when its event loop never turns, however much CPU it gets', () => {
    const world = watching();
    for (let second = 0; second < 5; second++) world.pass('risk-1', 'R', 1_000);
    assert.match(world.wedged[0] ?? '', /event loop is blocked \(it got 5\.0 s of CPU meanwhile\)/);
  });

  it('ends when it sleeps and does not answer', () => {
    const world = watching();
    for (let second = 0; second < 5; second++) world.pass('risk-1', 'S', 0);
    assert.match(world.wedged[0] ?? '', /event loop is blocked \(it got 0\.0 s of CPU/);
  });

  it('goes on for one that is busy for four seconds at a time and answers in between', () => {
    const world = watching();
    for (let job = 0; job < 100; job++) {
      for (let second = 0; second < 4; second++) world.pass('risk-1', 'R', 1_000);
      world.answer();
      world.tick();
    }
    assert.deepEqual(world.wedged, []);
  });

  it('goes on for one that wants to run and is hardly let', () => {
    const world = watching();
    for (let second = 0; second < 60; second++) world.pass('risk-1', 'R', 50);
    assert.deepEqual(world.wedged, []);
    for (let second = 0; second < 5; second++) world.pass('risk-1', 'R', 900);
    assert.equal(world.wedged.length, 1, 'until it has had its five seconds and used them for nothing');
  });

  it('goes on for one that waits for a disk', () => {
    const world = watching();
    for (let second = 0; second < 60; second++) world.pass('risk-1', 'D', 0);
    assert.deepEqual(world.wedged, []);
  });

  it('goes on for one that a debugger holds', () => {
    const world = watching();
    for (let second = 0; second < 60; second++) world.pass('risk-1', 't', 0);
    assert.deepEqual(world.wedged, []);
  });

  it('is judged by its silence alone where nothing can be seen from outside', () => {
    const world = watching();
    world.seen.clear();
    for (let second = 0; second < 5; second++) {
      world.now += INTERVAL_MS;
      world.tick();
    }
    assert.deepEqual(world.wedged, ['risk-1 wedged: no answer for 5.0 s']);
  });

  it('begins anew when it was the supervisor that stood still', () => {
    const world = watching();
    for (let second = 0; second < 4; second++) world.pass('risk-1', 'S', 0);
    world.pass('risk-1', 'S', 0, 60_000);
    for (let second = 0; second < 4; second++) world.pass('risk-1', 'S', 0);
    assert.deepEqual(world.wedged, []);
    world.pass('risk-1', 'S', 0);
    assert.equal(world.wedged.length, 1);
  });

  it('is not judged while somebody pauses it on purpose, and from then on as if it had just begun', () => {
    const world = watching();
    for (let second = 0; second < 3; second++) world.pass('risk-1', 'T', 0);
    world.liveness.hold('risk-1', true);
    for (let second = 0; second < 60; second++) world.pass('risk-1', 'T', 0);
    world.liveness.hold('risk-1', false);
    for (let second = 0; second < 4; second++) world.pass('risk-1', 'S', 0);
    assert.deepEqual(world.wedged, []);
    world.pass('risk-1', 'S', 0);
    assert.equal(world.wedged.length, 1);
  });

  it('does not take the answer to an earlier question for one to the last', () => {
    const world = watching();
    world.liveness.answered('risk-1', 1);
    world.tick();
    world.liveness.answered('risk-1', 1);
    for (let second = 0; second < 5; second++) world.pass('risk-1', 'T', 0);
    assert.equal(world.wedged.length, 1);
  });

  it('is nobody’s business when it is not watched any more', () => {
    const world = watching();
    world.liveness.unwatch('risk-1');
    for (let second = 0; second < 10; second++) world.pass('risk-1', 'T', 0);
    assert.deepEqual(world.wedged, []);
  });
});
