/** A fleet on a virtual clock, for tests: processes exist only as names. */

import assert from 'node:assert/strict';
import { parseFleet } from '../config/fleet.ts';
import {
  type Action,
  type FleetState,
  type Input,
  initialState,
  type Phase,
} from '../supervision/fleet-state.ts';
import { planOf } from '../supervision/plan.ts';
import { DEFAULT_POLICY, type Policy } from '../supervision/policy.ts';
import { nextWake, step } from '../supervision/step.ts';

const SERVICES = {
  reference: { entry: 'x.ts' },
  matching: { entry: 'x.ts', after: ['reference'] },
  risk: { entry: 'x.ts', after: ['matching'] },
  feeds: { entry: 'x.ts', replicas: 2 },
};

export class SimulatedFleet {
  state: FleetState;
  now = 1_000;
  random = 0.999;
  readonly actions: Action[] = [];
  #pid = 100;

  constructor(policy: Policy = DEFAULT_POLICY, services: object = SERVICES) {
    this.state = initialState(planOf(parseFleet({ name: 'test', services }), true), policy);
  }

  feed(input: Input): void {
    const { state, actions } = step(this.state, input, { now: this.now, random: this.random });
    this.state = state;
    this.actions.push(...actions);
    for (const action of actions) {
      if (action.type === 'spawn')
        this.feed({ type: 'spawned', instance: action.instance, pid: this.#pid++ });
    }
  }

  /** Lets time pass, with a tick whenever one is due. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const wake = nextWake(this.state);
      if (wake === undefined || wake > until) break;
      this.now = Math.max(this.now, wake);
      this.feed({ type: 'tick' });
      assert.notEqual(nextWake(this.state), wake, 'a tick does what it was due for');
    }
    this.now = until;
  }

  ready(...instances: string[]): void {
    for (const instance of instances) this.feed({ type: 'ready', instance });
  }

  exit(instance: string, description = 'exited with code 1', clean = false): void {
    this.feed({ type: 'exited', instance, description, clean });
  }

  phase(instance: string): Phase | undefined {
    return this.state.instances.get(instance)?.phase;
  }

  /** What was asked for since the last look, in short. */
  take(): string[] {
    return this.actions.splice(0).flatMap((action) => {
      switch (action.type) {
        case 'spawn':
          return `spawn ${action.instance}`;
        case 'signal':
          return `${action.signal} ${action.instance}`;
        case 'prepare':
          return `prepare ${action.instance}`;
        case 'restart': {
          const { stage, ...of } = action.progress;
          if (!action.rolling) return stage === 'failed' ? `failed restart` : [];
          return [stage, ...Object.values(of)].join(' ');
        }
        case 'died':
          return `died ${action.instance}`;
        case 'changed':
          return action.phase === 'backoff' || action.phase === 'failed'
            ? `${action.phase} ${action.instance}: ${action.reason}`
            : [];
        default:
          return action.type;
      }
    });
  }

  /** Everything ready, and what led there forgotten. */
  static running(policy?: Policy): SimulatedFleet {
    const fleet = new SimulatedFleet(policy);
    fleet.feed({ type: 'start' });
    fleet.ready('broker-1', 'reference-1', 'feeds-1', 'feeds-2', 'gateway-1', 'matching-1', 'risk-1');
    assert.equal(fleet.state.mode, 'running');
    fleet.take();
    return fleet;
  }
}
