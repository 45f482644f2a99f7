/**
 * Whether processes are alive as seen from outside: each is asked now and then, and answers from its event loop. One that
 * is silent for its time is wedged, unless it did not have that time: a process that waits for the CPU or for a disk is
 * charged for no more than the CPU time it got, and when it is we who stood still, everybody begins anew.
 *
 * A process that is only busy answers between two jobs, so that the time starts again with each of them.
 */

/** The main thread of a process, from outside. */
export interface Reading {
  /** proc(5): `R` runs or wants to, `S` sleeps, `D` waits for a disk, `T` is stopped, `t` is held by a debugger. */
  readonly state: string;
  /** CPU time it has used since its start. */
  readonly cpuMs: number;
}

export interface Question {
  readonly instance: string;
  /** What the answer refers to. */
  readonly id: number;
}

export interface Wedged {
  readonly instance: string;
  readonly reason: string;
}

export interface LivenessTick {
  readonly ask: readonly Question[];
  readonly wedged: readonly Wedged[];
}

interface Watch {
  readonly timeoutMs: number;
  /** Unanswered; undefined when the last question was answered. */
  asked: { readonly id: number; readonly at: number } | undefined;
  /** What it is charged with since it was asked. */
  silentMs: number;
  /** CPU time that it got since it was asked, as far as it is known. */
  gotMs: number;
  cpuMs: number | undefined;
  held: boolean;
}

/** Less of the CPU than this while it wants to run: others have it. */
const STARVED_SHARE = 0.5;

export class Liveness {
  readonly #intervalMs: number;
  readonly #watches = new Map<string, Watch>();
  #lastTick: number | undefined;
  #nextId = 1;

  /** @param intervalMs Between two ticks. One that comes more than an interval late forgives all silence. */
  constructor(intervalMs: number) {
    this.#intervalMs = intervalMs;
  }

  watch(instance: string, timeoutMs: number): void {
    const fresh = { asked: undefined, silentMs: 0, gotMs: 0, cpuMs: undefined, held: false };
    this.#watches.set(instance, { timeoutMs, ...fresh });
  }

  unwatch(instance: string): void {
    this.#watches.delete(instance);
  }

  /** While it is held (somebody paused it on purpose), its silence does not count. */
  hold(instance: string, held: boolean): void {
    const watch = this.#watches.get(instance);
    if (watch === undefined || watch.held === held) return;
    watch.held = held;
    watch.silentMs = 0;
    watch.gotMs = 0;
    watch.cpuMs = undefined;
  }

  answered(instance: string, id: number): void {
    const watch = this.#watches.get(instance);
    if (watch?.asked?.id === id) watch.asked = undefined;
  }

  /** @param read Undefined where nothing can be seen: then the silence alone counts. */
  tick(now: number, read: (instance: string) => Reading | undefined): LivenessTick {
    const passedMs = now - (this.#lastTick ?? now);
    const stoodStill = passedMs > 2 * this.#intervalMs;
    this.#lastTick = now;
    const ask: Question[] = [];
    const wedged: Wedged[] = [];
    for (const [instance, watch] of this.#watches) {
      if (watch.held) continue;
      if (watch.asked === undefined) {
        const id = this.#nextId++;
        Object.assign(watch, { asked: { id, at: now }, silentMs: 0, gotMs: 0, cpuMs: read(instance)?.cpuMs });
        ask.push({ instance, id });
        continue;
      }
      const reading = read(instance);
      if (stoodStill) Object.assign(watch, { silentMs: 0, gotMs: 0 });
      else charge(watch, passedMs, reading);
      watch.cpuMs = reading?.cpuMs;
      if (watch.silentMs < watch.timeoutMs) continue;
      this.#watches.delete(instance);
      wedged.push({ instance, reason: reasonOf(now - watch.asked.at, watch, reading) });
    }
    return { ask, wedged };
  }
}

function charge(watch: Watch, passedMs: number, reading: Reading | undefined): void {
  const { cpuMs } = watch;
  // Whoever attached a debugger means it to stand still.
  if (reading?.state === 't') return;
  if (reading === undefined || cpuMs === undefined) {
    watch.silentMs += passedMs;
    return;
  }
  const gotMs = Math.max(0, reading.cpuMs - cpuMs);
  watch.gotMs += gotMs;
  // A process that waits for a disk could not be killed either before its wait is over.
  const waits = reading.state === 'R' || reading.state === 'D';
  watch.silentMs += waits && gotMs < passedMs * STARVED_SHARE ? gotMs : passedMs;
}

function reasonOf(askedMs: number, watch: Watch, reading: Reading | undefined): string {
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
  const silent = `wedged: no answer for ${seconds(askedMs)}`;
  if (reading === undefined) return silent;
  if (reading.state === 'T') return `${silent}, the process is stopped (SIGSTOP)`;
  return `${silent}, its event loop is blocked (it got ${seconds(watch.gotMs)} of CPU meanwhile)`;
}
