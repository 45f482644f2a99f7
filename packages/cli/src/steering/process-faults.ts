/** The faults that are done to processes by signals: `pause` stops those that serve until its end, `kill` kills them once. */

import type { Fault } from 'flotilla';
import { Failure } from '../failure.ts';
import type { Child } from '../supervisor/child.ts';

export interface LivingProcess {
  readonly instance: string;
  readonly child: Pick<Child, 'signal'>;
}

export interface ProcessSource {
  /** Processes of a service, or one of them, that are ready now. */
  serving(service: string, instance: string | undefined): readonly LivingProcess[];
  /** While it is held, the silence of an instance does not count as its end. */
  hold(instance: string, held: boolean): void;
}

export class ProcessFaults {
  readonly #source: ProcessSource;
  /** By fault. */
  readonly #paused = new Map<string, readonly LivingProcess[]>();

  constructor(source: ProcessSource) {
    this.#source = source;
  }

  /**
   * Begins it; true when that was all of it, as with `kill`. Other kinds are done by the processes themselves.
   *
   * @throws Failure `not_found` when there is no process that it could be done to.
   */
  begin(fault: Fault): boolean {
    const { kind, target, id } = fault;
    if ((kind !== 'pause' && kind !== 'kill') || 'from' in target) return false;
    const hit = this.#source.serving(target.service, target.instance);
    if (hit.length === 0) {
      const what = target.instance ?? target.service;
      throw new Failure('not_found', `there is no process of ${what} to ${kind}: none is ready`, {
        repair: 'see flotilla ps, and try again when one is',
      });
    }
    if (kind === 'pause') {
      this.#paused.set(id, hit);
      for (const { instance } of hit) this.#source.hold(instance, true);
    }
    for (const { child } of hit) child.signal(kind === 'pause' ? 'SIGSTOP' : 'SIGKILL');
    return kind === 'kill';
  }

  /** A process that another fault pauses too stays paused. One that was replaced meanwhile is not touched. */
  end({ id }: Fault): void {
    const ended = this.#paused.get(id) ?? [];
    this.#paused.delete(id);
    const still = new Set([...this.#paused.values()].flat().map(({ child }) => child));
    for (const { instance, child } of ended) {
      if (still.has(child)) continue;
      child.signal('SIGCONT');
      this.#source.hold(instance, false);
    }
  }
}
