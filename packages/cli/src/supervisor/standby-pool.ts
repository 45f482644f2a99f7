/**
 * Processes that wait for others load their code meanwhile, a few at a time in the order of the start, so that a fleet
 * with long chains of `after` is ready nearly as soon as one without. Only a matter of time: what starts when is
 * decided elsewhere, and a process that is missing here is simply spawned.
 */

import type { Unit } from '../supervision/plan.ts';
import type { Child, ChildListener } from './child.ts';

export type InstanceListener = Pick<ChildListener, 'message' | 'end'>;

export interface StandbyChild extends Child {
  /** Lets it run its program. */
  start(): void;
}

export interface StandbyOptions {
  /** Processes that load at the same time. */
  readonly width: number;
  /** @param standby Whether it waits for `start`. */
  spawn(unit: Unit, instance: string, standby: boolean, listener: InstanceListener): StandbyChild;
}

interface Waiting {
  readonly child: StandbyChild;
  /** Set when it is started: from then on it is the supervisor's. */
  listener: InstanceListener | undefined;
  /** Its code is, or it has ended. */
  readonly loaded: PromiseWithResolvers<void>;
  readonly ended: PromiseWithResolvers<void>;
}

export class StandbyPool {
  readonly #options: StandbyOptions;
  readonly #waiting = new Map<string, Waiting>();
  readonly #loading = new Set<string>();
  #queue: { readonly unit: Unit; readonly instance: string }[] = [];

  constructor(options: StandbyOptions) {
    this.#options = options;
  }

  get pids(): number[] {
    return [...this.#waiting.values()].flatMap(({ child }) => child.pid ?? []);
  }

  /** Begins to load processes of these units, lowest `startRank` first. */
  prepare(units: readonly Unit[]): void {
    this.#queue = [...units]
      .sort((a, b) => a.startRank - b.startRank)
      .flatMap((unit) => unit.instances.map((instance) => ({ unit, instance })));
    this.#fill();
  }

  /** Loads the code for the next start of an instance; resolves when that is done, or has failed. */
  async ready(unit: Unit, instance: string): Promise<void> {
    if (!this.#waiting.has(instance)) this.#load(unit, instance);
    await this.#waiting.get(instance)?.loaded.promise;
  }

  /** The process of an instance, running its program: the one that waits here, or a new one. */
  spawn(unit: Unit, instance: string, listener: InstanceListener): Child {
    this.#queue = this.#queue.filter((each) => each.instance !== instance);
    const waiting = this.#waiting.get(instance);
    if (waiting === undefined) return this.#options.spawn(unit, instance, false, listener);
    this.#waiting.delete(instance);
    waiting.listener = listener;
    waiting.child.start();
    return waiting.child;
  }

  /** Ends what was never started; resolves when it is gone. */
  async close(): Promise<void> {
    this.#queue = [];
    for (const { child } of this.#waiting.values()) child.signal('SIGKILL');
    await Promise.all([...this.#waiting.values()].map(({ ended }) => ended.promise));
  }

  #fill(): void {
    while (this.#loading.size < this.#options.width) {
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#load(next.unit, next.instance);
    }
  }

  #load(unit: Unit, instance: string): void {
    this.#loading.add(instance);
    const child = this.#options.spawn(unit, instance, true, {
      message: (message) => {
        if (message.type === 'loaded') this.#loaded(instance, waiting);
        else waiting.listener?.message(message);
      },
      end: (end) => {
        if (this.#waiting.get(instance) === waiting) this.#waiting.delete(instance);
        this.#loaded(instance, waiting);
        waiting.ended.resolve();
        waiting.listener?.end(end);
      },
    });
    const waiting: Waiting = {
      child,
      listener: undefined,
      loaded: Promise.withResolvers(),
      ended: Promise.withResolvers(),
    };
    this.#waiting.set(instance, waiting);
  }

  #loaded(instance: string, { loaded }: Waiting): void {
    loaded.resolve();
    if (this.#loading.delete(instance)) this.#fill();
  }
}
