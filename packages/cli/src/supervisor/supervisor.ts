/** Runs the pure supervision on real processes: feeds it what happens, does what it asks for, keeps its time. */

import { Failure } from '../failure.ts';
import type { Action, FleetState, Input, Phase, StartFailure } from '../supervision/fleet-state.ts';
import { initialState } from '../supervision/fleet-state.ts';
import type { Wedged } from '../supervision/liveness.ts';
import type { Plan, Unit } from '../supervision/plan.ts';
import type { Policy } from '../supervision/policy.ts';
import type { RestartProgress } from '../supervision/restart.ts';
import { nextWake, step } from '../supervision/step.ts';
import type { Child, ChildListener } from './child.ts';
import { LivenessWatch } from './liveness-watch.ts';
import type { BackupMessage, ReadyMessage, SupervisorMessage } from './process-message.ts';

/** What `flotilla ps` shows of an instance; null where there is nothing to show at the moment. */
export interface InstanceView {
  readonly service: string;
  readonly instance: string;
  readonly pid: number | null;
  readonly state: Phase;
  readonly restarts: number;
  readonly version: string | null;
  readonly address: string | null;
  /** Base URL of its admin port. */
  readonly admin: string | null;
  /** Why it ended the last time that nobody had asked it to. */
  readonly lastEnd: string | null;
}

export interface PhaseChange {
  readonly service: string;
  readonly instance: string;
  readonly state: Phase;
  readonly pid?: number;
  readonly reason?: string;
  readonly delayMs?: number;
}

export interface Death {
  readonly service: string;
  readonly instance: string;
  readonly pid: number;
}

export interface SupervisorEvents {
  changed(change: PhaseChange): void;
  /** An instance is ready, with what it said of itself. Comes before `changed`. */
  announced(unit: Unit, message: ReadyMessage, child: Child): void;
  /** All instances are ready for the first time. */
  ready(): void;
  /** Nothing runs any more. */
  stopped(failures: readonly StartFailure[]): void;
  /** A callable instance ended without saying goodbye. */
  died(death: Death): void;
  /** An instance does not answer any more and is killed. */
  wedged(wedged: Wedged): void;
  /** The broker has made a backup, or could not. */
  backup(message: BackupMessage): void;
}

export interface SupervisorOptions {
  readonly plan: Plan;
  readonly policy: Policy;
  /** How long a process of this unit may be silent, in milliseconds; undefined for as long as it likes. */
  livenessTimeout(unit: Unit): number | undefined;
  spawn(unit: Unit, instance: string, listener: Pick<ChildListener, 'message' | 'end'>): Child;
  /** Loads the code of an instance's successor; resolves when it has, or cannot. */
  prepare(unit: Unit, instance: string): Promise<void>;
  /** Resolves when discovery knows that this process of a service is ready. */
  heard(unit: Unit, pid: number): Promise<void>;
  readonly events: SupervisorEvents;
}

export type RestartFollower = (progress: RestartProgress) => void;

export interface RestartRun {
  /** In the order in which they are restarted. */
  readonly instances: readonly string[];
  /** Finishes with the instance that is under way. */
  cancel(): void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #children = new Map<string, Child>();
  readonly #announced = new Map<string, ReadyMessage>();
  readonly #restarts = new Map<number, RestartFollower>();
  readonly #liveness: LivenessWatch;
  #nextRestart = 1;
  #state: FleetState;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: SupervisorOptions) {
    this.#options = options;
    this.#liveness = new LivenessWatch((wedged) => {
      options.events.wedged(wedged);
      this.#feed({ type: 'wedged', ...wedged });
    });
    this.#state = initialState(options.plan, options.policy);
  }

  get mode(): FleetState['mode'] {
    return this.#state.mode;
  }

  /** Pids of all processes that live now. */
  get pids(): number[] {
    return [...this.#state.instances.values()].flatMap((instance) => instance.pid ?? []);
  }

  start(): void {
    this.#feed({ type: 'start' });
  }

  /** Stops everything in reverse order; `stopped` follows. */
  stop(): void {
    this.#feed({ type: 'stop' });
  }

  /** Kills everything at once. */
  kill(): void {
    this.#feed({ type: 'kill' });
  }

  instances(): InstanceView[] {
    return [...this.#state.instances].map(([name, instance]) => {
      const said = this.#announced.get(name);
      return {
        service: instance.unit,
        instance: name,
        pid: instance.pid ?? null,
        state: instance.phase,
        restarts: instance.restarts,
        version: said?.version ?? null,
        address: said?.url ?? said?.address ?? null,
        admin: said?.admin ?? null,
        lastEnd: instance.lastEnd ?? null,
      };
    });
  }

  /**
   * Restarts a service (its replicas one after the other), one instance or, without a name, every service in the order
   * of the start. `follow` hears how it goes, until `done` or `failed`.
   *
   * @throws Failure `not_found` for an unknown name, `restart_failed` when no restart can begin now.
   */
  restart(name: string | undefined, rolling: boolean, follow: RestartFollower): RestartRun {
    if (this.mode !== 'running') {
      const repair = 'wait until the fleet is ready';
      throw new Failure('restart_failed', `the fleet is ${this.mode}`, { repair });
    }
    if (rolling && this.#state.restarts.some((each) => each.rolling)) {
      const repair = 'wait until it is done';
      throw new Failure('restart_failed', 'another rolling restart is under way', { repair });
    }
    const instances = this.#named(name);
    const id = this.#nextRestart++;
    this.#restarts.set(id, follow);
    this.#feed({ type: 'restart', id, instances, rolling });
    return { instances, cancel: () => this.#feed({ type: 'cancel-restart', id }) };
  }

  /** Those that do not serve come first: nobody misses them. */
  #named(name: string | undefined): readonly string[] {
    const { plan } = this.#options;
    if (name !== undefined && this.#state.instances.has(name)) return [name];
    const units =
      name === undefined
        ? plan.filter((each) => each.kind === 'service').sort((a, b) => a.startRank - b.startRank)
        : plan.filter((each) => each.name === name);
    if (name !== undefined && units.length === 0) {
      const repair = `use one of ${plan.map((each) => each.name).join(', ')}`;
      throw new Failure('not_found', `there is no service "${name}" in this fleet`, { repair });
    }
    const serves = (instance: string): number =>
      Number(this.#state.instances.get(instance)?.phase === 'ready');
    return units.flatMap((unit) => [...unit.instances].sort((a, b) => serves(a) - serves(b)));
  }

  /** Processes of a service, or one of them, that are ready now. */
  serving(service: string, instance?: string): { readonly instance: string; readonly child: Child }[] {
    return [...this.#state.instances].flatMap(([name, { unit, phase }]) => {
      const child = this.#children.get(name);
      const meant = unit === service && (instance === undefined || instance === name);
      return meant && phase === 'ready' && child !== undefined ? [{ instance: name, child }] : [];
    });
  }

  /** While it is held (stopped on purpose), the silence of an instance does not count as its end. */
  hold(instance: string, held: boolean): void {
    this.#liveness.hold(instance, held);
  }

  /** To every process that runs its program. */
  tellAll(message: SupervisorMessage): void {
    for (const child of this.#children.values()) child.send(message);
  }

  #feed(input: Input): void {
    const { state, actions } = step(this.#state, input, { now: performance.now(), random: Math.random() });
    this.#state = state;
    for (const action of actions) this.#perform(action);
    this.#setTimer();
  }

  #setTimer(): void {
    clearTimeout(this.#timer);
    const wake = nextWake(this.#state);
    if (wake === undefined) return;
    this.#timer = setTimeout(
      () => this.#feed({ type: 'tick' }),
      Math.max(1, Math.ceil(wake - performance.now())),
    );
  }

  #perform(action: Action): void {
    const { events } = this.#options;
    switch (action.type) {
      case 'spawn':
        this.#spawn(action.unit, action.instance);
        return;
      case 'signal':
        this.#children.get(action.instance)?.signal(action.signal);
        return;
      case 'changed': {
        const { unit: service, instance, phase: state, type: _, ...why } = action;
        const pid = this.#state.instances.get(instance)?.pid;
        events.changed({ service, instance, state, ...(pid === undefined ? {} : { pid }), ...why });
        this.#watch(service, instance, state);
        return;
      }
      case 'prepare':
        this.#prepare(action.unit, action.instance);
        return;
      case 'restart':
        this.#tellFollower(action.id, action.rolling, action.progress);
        return;
      case 'died':
        events.died({ service: action.unit, instance: action.instance, pid: action.pid });
        return;
      case 'fleet-ready':
        events.ready();
        return;
      case 'fleet-stopped':
        for (const follow of this.#restarts.values())
          follow({ stage: 'failed', reason: 'the fleet was stopped' });
        events.stopped(action.failures);
        return;
    }
  }

  #prepare(unitName: string, instance: string): void {
    const unit = this.#options.plan.find((each) => each.name === unitName);
    const prepared = unit === undefined ? undefined : this.#options.prepare(unit, instance);
    void prepared?.then(() => this.#feed({ type: 'prepared', instance }));
  }

  #spawn(unitName: string, instance: string): void {
    const unit = this.#options.plan.find((each) => each.name === unitName);
    if (unit === undefined) return;
    this.#announced.delete(instance);
    const child = this.#options.spawn(unit, instance, {
      message: (message) => {
        if (this.#children.get(instance) !== child) return;
        if (message.type === 'ready') {
          this.#announced.set(instance, message);
          this.#options.events.announced(unit, message, child);
          this.#feed({ type: 'ready', instance });
        } else if (message.type === 'state') {
          this.#feed({ type: 'draining', instance });
        } else if (message.type === 'pong') {
          this.#liveness.answered(instance, message.id);
        } else if (message.type === 'backup') {
          this.#options.events.backup(message);
        } else if (message.type === 'fatal') {
          this.#feed({ type: 'fatal', instance, fatal: message.fatal });
        }
      },
      end: ({ description, clean }) => {
        if (this.#children.get(instance) !== child) return;
        this.#children.delete(instance);
        this.#feed({ type: 'exited', instance, description, clean });
      },
    });
    this.#children.set(instance, child);
    if (child.pid !== undefined) this.#feed({ type: 'spawned', instance, pid: child.pid });
  }

  #watch(unitName: string, instance: string, phase: Phase): void {
    const unit = this.#options.plan.find((each) => each.name === unitName);
    const child = this.#children.get(instance);
    const timeoutMs = unit && this.#options.livenessTimeout(unit);
    if (phase === 'ready' && child && timeoutMs !== undefined) {
      this.#liveness.watch(instance, child, timeoutMs);
    } else {
      this.#liveness.unwatch(instance);
    }
  }

  #tellFollower(id: number, rolling: boolean, progress: RestartProgress): void {
    if (rolling && progress.stage === 'ready') this.#awaitHeard(progress.instance);
    const follow = this.#restarts.get(id);
    if (progress.stage === 'done' || progress.stage === 'failed') this.#restarts.delete(id);
    follow?.(progress);
  }

  #awaitHeard(instance: string): void {
    const { unit: name, pid } = this.#state.instances.get(instance) ?? {};
    const unit = this.#options.plan.find((each) => each.name === name);
    const child = this.#children.get(instance);
    if (unit === undefined || pid === undefined) return;
    // Only services are called by others over discovery.
    const heard = unit.kind === 'service' ? this.#options.heard(unit, pid) : Promise.resolve();
    void heard.then(() => {
      if (this.#children.get(instance) === child) this.#feed({ type: 'heard', instance });
    });
  }
}
