/** Keeps the time of `Liveness` on real processes: asks, looks at the silent ones from outside, reports the wedged. */

import { Liveness, type Reading, type Wedged } from '../supervision/liveness.ts';
import type { Child } from './child.ts';
import { viewProcess } from './outside-view.ts';

/** Between two questions to a process. */
const INTERVAL_MS = 1_000;

export class LivenessWatch {
  readonly #liveness = new Liveness(INTERVAL_MS);
  readonly #children = new Map<string, Child>();
  readonly #report: (wedged: Wedged) => void;
  #timer: NodeJS.Timeout | undefined;

  constructor(report: (wedged: Wedged) => void) {
    this.#report = report;
  }

  /** From when it is ready. */
  watch(instance: string, child: Child, timeoutMs: number): void {
    this.#children.set(instance, child);
    this.#liveness.watch(instance, timeoutMs);
    this.#timer ??= setInterval(() => this.#tick(), INTERVAL_MS).unref();
  }

  unwatch(instance: string): void {
    this.#children.delete(instance);
    this.#liveness.unwatch(instance);
    if (this.#children.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  answered(instance: string, id: number): void {
    this.#liveness.answered(instance, id);
  }

  hold(instance: string, held: boolean): void {
    this.#liveness.hold(instance, held);
  }

  #tick(): void {
    const { ask, wedged } = this.#liveness.tick(performance.now(), (instance) => this.#view(instance));
    for (const { instance, id } of ask) this.#children.get(instance)?.send({ type: 'ping', id });
    for (const each of wedged) this.#report(each);
  }

  #view(instance: string): Reading | undefined {
    const pid = this.#children.get(instance)?.pid;
    return pid === undefined ? undefined : viewProcess(pid);
  }
}
