/**
 * When consumers run: soon after something happened to them, each a bounded number of messages before it is another's
 * turn, and when their deadline comes. One timer and one microtask for all of them.
 */
import { performance } from 'node:perf_hooks';
import { DeadlineHeap } from './deadline-heap.ts';

export interface Runnable {
  /** When `tick` is wanted, in ms; `Infinity` for never. */
  readonly deadline: number;
  tick(now: number): void;
  /** @returns whether there is more to do at once. */
  run(now: number, budget: number): boolean;
}

/** Messages that a consumer may deliver before it is another's turn. */
const BUDGET = 512;
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/** Ms since 1970 that never jump: the wall clock at the start of the process, and the time since. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

export class RunQueue {
  readonly #now: () => number;
  readonly #deadlines = new DeadlineHeap();
  readonly #slots = new Map<Runnable, number>();
  readonly #members: (Runnable | undefined)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #drainSoon = (): void => {
    this.#isCalled = false;
    this.drain();
  };
  readonly #goOn = (): void => {
    for (const runnable of this.#later) this.#soon.add(runnable);
    this.#later.clear();
    this.drain();
  };
  readonly #wakeUp = (): void => this.#ring();
  /** Those that run when the current work is done, and those that had their turn and have more to do. */
  #soon = new Set<Runnable>();
  readonly #later = new Set<Runnable>();
  /** A call of `drain` is on its way. */
  #isCalled = false;
  #isRunning = false;
  #timer: NodeJS.Timeout | undefined;
  #timerAt = Number.POSITIVE_INFINITY;

  /** @param now ms that never go backwards. */
  constructor(now: () => number = steadyNow) {
    this.#now = now;
  }

  now(): number {
    return this.#now();
  }

  add(runnable: Runnable): void {
    const slot = this.#freeSlots.pop() ?? this.#members.length;
    this.#members[slot] = runnable;
    this.#slots.set(runnable, slot);
    this.kick(runnable);
  }

  remove(runnable: Runnable): void {
    const slot = this.#slots.get(runnable);
    if (slot === undefined) return;
    this.#slots.delete(runnable);
    this.#soon.delete(runnable);
    this.#later.delete(runnable);
    this.#deadlines.drop(slot);
    this.#members[slot] = undefined;
    this.#freeSlots.push(slot);
  }

  /** Something happened to it: it runs when the current work of this turn is done. */
  kick(runnable: Runnable): void {
    if (!this.#slots.has(runnable) || this.#later.has(runnable)) return;
    this.#soon.add(runnable);
    if (this.#isCalled) return;
    this.#isCalled = true;
    queueMicrotask(this.#drainSoon);
  }

  /** Runs those that wait for it, at once; later when it is called by one that runs. */
  drain(): void {
    if (this.#soon.size === 0 || this.#isRunning) return;
    const running = this.#soon;
    this.#soon = new Set();
    this.#isRunning = true;
    const now = this.#now();
    try {
      for (const runnable of running) this.#run(runnable, now);
    } finally {
      this.#isRunning = false;
    }
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#slots.clear();
    this.#soon.clear();
    this.#later.clear();
  }

  #run(runnable: Runnable, now: number): void {
    if (!this.#slots.has(runnable)) return;
    // Sockets have their turn before it goes on: not in a microtask.
    if (runnable.run(now, BUDGET) && this.#later.add(runnable).size === 1) setImmediate(this.#goOn);
    this.#schedule(runnable);
  }

  #schedule(runnable: Runnable): void {
    const slot = this.#slots.get(runnable);
    if (slot === undefined) return;
    const { deadline } = runnable;
    if (deadline === Number.POSITIVE_INFINITY) this.#deadlines.drop(slot);
    else this.#deadlines.set(slot, deadline);
    if (this.#deadlines.earliest < this.#timerAt) this.#arm();
  }

  #arm(): void {
    clearTimeout(this.#timer);
    this.#timerAt = this.#deadlines.earliest;
    if (this.#timerAt === Number.POSITIVE_INFINITY) return;
    const wait = Math.ceil(this.#timerAt - this.#now());
    this.#timer = setTimeout(this.#wakeUp, Math.min(Math.max(wait, 1), LONGEST_TIMEOUT_MS));
  }

  #ring(): void {
    const now = this.#now();
    while (this.#deadlines.earliest <= now) {
      const slot = this.#deadlines.first;
      this.#deadlines.drop(slot);
      const runnable = this.#members[slot]!;
      runnable.tick(now);
      this.kick(runnable);
    }
    this.#timerAt = Number.POSITIVE_INFINITY;
    this.#arm();
  }
}
