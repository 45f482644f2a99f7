import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseFleet } from '../config/fleet.ts';
import { type Action, type FleetState, type Input, initialState, isAlivePhase } from './fleet-state.ts';
import { planOf } from './plan.ts';
import { DEFAULT_POLICY } from './policy.ts';
import { nextWake, step } from './step.ts';

const PLAN = planOf(
  parseFleet({
    name: 'test',
    services: {
      a: { entry: 'x' },
      b: { entry: 'x', after: ['a'], replicas: 2 },
      c: { entry: 'x', after: ['a', 'b'] },
    },
  }),
  true,
);
const INSTANCES = PLAN.flatMap((unit) => unit.instances);

type Happening =
  | { readonly kind: 'ready' | 'draining' | 'exit' | 'fatal' | 'heard'; readonly instance: string }
  | { readonly kind: 'restart'; readonly instances: readonly string[]; readonly rolling: boolean }
  | { readonly kind: 'pass'; readonly ms: number };

const happening = (rolling: boolean): fc.Arbitrary<Happening> =>
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constantFrom('ready' as const, 'heard' as const),
        instance: fc.constantFrom(...INSTANCES),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constantFrom('draining' as const, 'exit' as const, 'fatal' as const),
        instance: fc.constantFrom(...INSTANCES),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('restart' as const),
        instances: fc.subarray(INSTANCES),
        rolling: fc.constant(rolling),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.nat(40_000) }) },
  );

/** Applies a history to the machine and, beside it, keeps which processes exist in a world that obeys it. */
class World {
  state: FleetState = initialState(PLAN, DEFAULT_POLICY);
  now = 0;
  readonly living = new Set<string>();
  readonly killed = new Set<string>();
  stops = 0;
  restarts = 0;

  feed(input: Input): void {
    const before = this.state;
    const { state, actions } = step(before, input, { now: this.now, random: 0.5 });
    this.state = state;
    for (const [index, action] of actions.entries()) {
      if (action.type === 'restart' && action.rolling && action.progress.stage === 'replacing') {
        this.#isSpared(action.progress.instance, before, actions[index - 1]);
      }
      if (action.type === 'spawn') {
        assert.ok(!this.living.has(action.instance), `${action.instance} is never spawned twice`);
        assert.ok(this.state.mode !== 'stopping', 'nothing is spawned during a stop');
        this.living.add(action.instance);
      }
      if (action.type === 'signal') {
        assert.ok(this.living.has(action.instance), 'only what lives is signalled');
        if (action.signal === 'SIGKILL') this.killed.add(action.instance);
      }
      if (action.type === 'fleet-stopped') this.stops++;
    }
    for (const [name, { phase }] of this.state.instances) {
      assert.equal(isAlivePhase(phase), this.living.has(name), `${name} is ${phase}`);
    }
  }

  /** What a rolling restart takes away served, and all others of its unit go on serving. */
  #isSpared(instance: string, before: FleetState, last: Action | undefined): void {
    if (last?.type !== 'signal' || before.instances.get(instance)?.phase !== 'ready') return;
    const unit = this.state.instances.get(instance)?.unit;
    for (const [other, each] of this.state.instances) {
      if (each.unit === unit && other !== instance)
        assert.equal(each.phase, 'ready', `${instance}, ${other}`);
    }
  }

  exit(instance: string): void {
    if (!this.living.delete(instance)) return;
    this.killed.delete(instance);
    this.feed({ type: 'exited', instance, description: 'exited', clean: false });
  }

  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      for (const name of [...this.killed]) this.exit(name);
      const wake = nextWake(this.state);
      if (wake === undefined || wake > until) break;
      this.now = Math.max(this.now, wake);
      this.feed({ type: 'tick' });
    }
    this.now = until;
  }

  happen(event: Happening): void {
    if (event.kind === 'pass') this.pass(event.ms);
    else if (event.kind === 'restart') this.restart(event);
    else if (this.living.has(event.instance)) this.happenTo(event.instance, event.kind);
  }

  restart({ instances, rolling }: { instances: readonly string[]; rolling: boolean }): void {
    const id = ++this.restarts;
    this.feed({ type: 'restart', id, instances, rolling });
  }

  happenTo(instance: string, kind: 'ready' | 'draining' | 'exit' | 'fatal' | 'heard'): void {
    if (kind === 'exit') this.exit(instance);
    else if (kind === 'fatal')
      this.feed({ type: 'fatal', instance, fatal: { message: 'no', code: 'internal' } });
    else this.feed({ type: kind, instance });
  }
}

it('whatever happens, no process runs twice and a stop leaves nothing after four seconds', () => {
  fc.assert(
    fc.property(fc.array(happening(false), { maxLength: 60 }), (history) => {
      const world = new World();
      world.feed({ type: 'start' });
      for (const event of history) world.happen(event);
      world.feed({ type: 'stop' });
      world.pass(4_000);
      assert.deepEqual([...world.living], []);
      assert.equal(world.state.mode, 'stopped');
      assert.equal(world.stops, 1);
    }),
    { numRuns: 500 },
  );
});

it('after any history of a running fleet, a minute without deaths makes every service ready again', () => {
  fc.assert(
    fc.property(fc.array(happening(false), { maxLength: 60 }), (history) => {
      const world = new World();
      world.feed({ type: 'start' });
      for (let round = 0; round < 5; round++) {
        for (const name of [...world.living]) world.feed({ type: 'ready', instance: name });
      }
      assert.equal(world.state.mode, 'running');
      for (const event of history) world.happen(event);
      for (let second = 0; second < 60; second++) {
        world.pass(1_000);
        for (const [name, { phase }] of world.state.instances) {
          // A process that stops or drains ends, one that starts becomes ready.
          if (phase === 'stopping' || phase === 'draining') world.exit(name);
          else if (phase === 'starting') world.feed({ type: 'ready', instance: name });
        }
      }
      for (const [name, { phase }] of world.state.instances) assert.equal(phase, 'ready', name);
    }),
    { numRuns: 300 },
  );
});

it('a rolling restart takes an instance away only while all others of its service are ready', () => {
  fc.assert(
    fc.property(fc.array(happening(true), { maxLength: 60 }), (history) => {
      const world = new World();
      world.feed({ type: 'start' });
      for (let round = 0; round < 5; round++) {
        for (const name of [...world.living]) world.feed({ type: 'ready', instance: name });
      }
      for (const event of history) world.happen(event);
      world.pass(60_000);
    }),
    { numRuns: 500 },
  );
});

it('a restart always comes to an end, whatever the processes do', () => {
  fc.assert(
    fc.property(fc.array(happening(true), { maxLength: 40 }), (history) => {
      const world = new World();
      world.feed({ type: 'start' });
      for (const event of history) world.happen(event);
      // From here on nobody is ever ready again: each start runs out of its time.
      world.pass(600_000);
      for (const { rolling } of world.state.restarts) assert.ok(!rolling);
    }),
    { numRuns: 300 },
  );
});
