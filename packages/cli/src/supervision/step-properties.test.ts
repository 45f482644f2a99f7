import assert from 'node:assert/strict';
import { it } from 'node:test';
import fc from 'fast-check';
import { parseFleet } from '../config/fleet.ts';
import { type FleetState, type Input, initialState, isAlivePhase } from './fleet-state.ts';
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
  | { readonly kind: 'ready' | 'draining' | 'exit' | 'fatal' | 'restart'; readonly instance: string }
  | { readonly kind: 'pass'; readonly ms: number };

const happening: fc.Arbitrary<Happening> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('ready' as const), instance: fc.constantFrom(...INSTANCES) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('draining' as const, 'exit' as const, 'fatal' as const, 'restart' as const),
      instance: fc.constantFrom(...INSTANCES),
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

  feed(input: Input): void {
    const { state, actions } = step(this.state, input, { now: this.now, random: 0.5 });
    this.state = state;
    for (const action of actions) {
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
    else if (event.kind === 'restart') this.feed({ type: 'restart', instances: [event.instance] });
    else if (this.living.has(event.instance)) this.happenTo(event.instance, event.kind);
  }

  happenTo(instance: string, kind: 'ready' | 'draining' | 'exit' | 'fatal'): void {
    if (kind === 'exit') this.exit(instance);
    else if (kind === 'fatal')
      this.feed({ type: 'fatal', instance, fatal: { message: 'no', code: 'internal' } });
    else this.feed({ type: kind, instance });
  }
}

it('whatever happens, no process runs twice and a stop leaves nothing after four seconds', () => {
  fc.assert(
    fc.property(fc.array(happening, { maxLength: 60 }), (history) => {
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
    fc.property(fc.array(happening, { maxLength: 60 }), (history) => {
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
