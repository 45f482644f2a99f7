/**
 * Members of a group and their bucket under a virtual clock, for tests: writes and what is seen of them take a while, members die,
 * stand still, lose their connection and come back. A member looks at its machine when something happens, or when the machine says. Every member commits to what it owns all the time; the bucket
 * refuses by revision, and the simulation fails when two of its owners are accepted under one epoch.
 */
import assert from 'node:assert/strict';
import { type GroupAction, GroupMembership } from './membership.ts';

interface Entry {
  readonly revision: number;
  readonly value: unknown;
}

interface PartitionValue {
  readonly owner: string;
  readonly epoch: number;
  /** Who wrote it: process, not name. */
  readonly by: number;
}

interface Process {
  readonly id: number;
  readonly name: string;
  readonly machine: GroupMembership;
  /** Revision of each partition that it owns, as its last write gave it. */
  readonly leases: Map<number, { revision: number; epoch: number }>;
  state: 'runs' | 'paused' | 'dead';
  isCut: boolean;
  isLeaving: boolean;
  isSuperseded: boolean;
  /** What it has not seen yet. */
  inbox: { readonly at: number; readonly see: () => void }[];
  /** Answers and questions under way. */
  calls: { readonly at: number; readonly run: () => void }[];
  /** When it looks at its machine again, if nothing happens before. */
  wakeAt: number;
}

export interface SimulationOptions {
  readonly partitions: number;
  readonly ttlMs: number;
  readonly seed?: number;
}

const stepMs = 20;
const mostDelayMs = 60;

export class SimulatedGroup {
  readonly #options: SimulationOptions;
  readonly #bucket = new Map<string, Entry>();
  readonly #processes: Process[] = [];
  /** By partition and epoch: the process whose writes were accepted. */
  readonly #writers = new Map<string, number>();
  #revision = 0;
  #now = 0;
  #random: number;

  constructor(options: SimulationOptions) {
    this.#options = options;
    this.#random = (options.seed ?? 1) >>> 0;
  }

  start(name: string): void {
    const { partitions, ttlMs } = this.#options;
    const id = this.#processes.length;
    const machine = new GroupMembership({ instance: name, startedAt: id, partitions, ttlMs });
    const process: Process = {
      ...{ id, name, machine, leases: new Map(), state: 'runs', inbox: [], calls: [], wakeAt: 0 },
      ...{ isCut: false, isLeaving: false, isSuperseded: false },
    };
    this.#processes.push(process);
    const entries = [...this.#bucket].sort(([, a], [, b]) => a.revision - b.revision);
    for (const [key, entry] of entries) this.#show(process, key, entry);
  }

  /** Does one of the things that can happen, where it can happen. */
  do(kind: string, name: string): void {
    const process = this.#find(name);
    if (kind === 'start' && !process) this.start(name);
    if (!process) return;
    if (kind === 'kill') process.state = 'dead';
    if (kind === 'leave') this.leave(name);
    if (kind === 'pause') process.state = 'paused';
    if (kind === 'resume') process.state = 'runs';
    if (kind === 'cut') process.isCut = true;
    if (kind === 'mend') process.isCut = false;
  }

  kill(name: string): void {
    this.#find(name)!.state = 'dead';
  }

  leave(name: string): void {
    const process = this.#find(name)!;
    process.isLeaving = true;
    process.machine.leave();
    process.wakeAt = 0;
  }

  pause(name: string): void {
    this.#find(name)!.state = 'paused';
  }

  cut(name: string): void {
    this.#find(name)!.isCut = true;
  }

  resume(id: number): void {
    this.#processes[id]!.state = 'runs';
  }

  /** The process of that name runs on, but another of the name may start. */
  detach(name: string): number {
    return this.#find(name)!.id;
  }

  isSuperseded(id: number): boolean {
    return this.#processes[id]!.isSuperseded;
  }

  /** What becomes of a commit that a paused member had begun, the moment it goes on. */
  commitOnResume(name: string, partition: number): 'accepted' | 'refused' {
    const process = this.#find(name)!;
    process.state = 'runs';
    return this.#commit(process, partition) ? 'accepted' : 'refused';
  }

  run(ms: number): void {
    for (const end = this.#now + ms; this.#now < end; ) {
      this.#now += stepMs;
      for (const process of this.#processes) if (process.state === 'runs') this.#turn(process);
    }
  }

  shares(): Record<string, number> {
    const live = this.#processes.filter(({ state, isLeaving, isSuperseded }) => {
      return state === 'runs' && !isLeaving && !isSuperseded;
    });
    return Object.fromEntries(live.map(({ name, machine }) => [name, machine.owned.length]));
  }

  owners(): string[] {
    return this.#records().map(({ owner }) => owner);
  }

  epochs(): number[] {
    return this.#records().map(({ epoch }) => epoch);
  }

  ownedBy(name: string): number[] {
    return this.#find(name)!.machine.owned;
  }

  /** The latest process of a name that has not ended. */
  #find(name: string): Process | undefined {
    return this.#processes.findLast(
      (each) => each.name === name && each.state !== 'dead' && !each.isLeaving && !each.isSuperseded,
    );
  }

  #records(): PartitionValue[] {
    return Array.from({ length: this.#options.partitions }, (_, index) => {
      const entry = this.#bucket.get(`p${index}`);
      return (entry?.value ?? { owner: '', epoch: 0, by: -1 }) as PartitionValue;
    });
  }

  #turn(process: Process): void {
    if (process.isSuperseded) return;
    if (!process.isCut) {
      for (const { see } of take(process.inbox, this.#now)) this.#happened(process, see);
      for (const { run } of take(process.calls, this.#now)) this.#happened(process, run);
    }
    if (this.#now >= process.wakeAt) this.#step(process);
    if (process.isCut) return;
    for (const partition of process.leases.keys()) this.#commit(process, partition);
    if (process.isLeaving && process.machine.isIdle) {
      process.state = 'dead';
      this.#write(`m${process.name}`, undefined);
    }
  }

  #happened(process: Process, event: () => void): void {
    event();
    process.wakeAt = 0;
  }

  #step(process: Process): void {
    const { machine } = process;
    for (const action of machine.next(this.#now)) this.#act(process, action);
    process.wakeAt = machine.wakeAt > this.#now ? machine.wakeAt : this.#now + this.#options.ttlMs / 10;
  }

  #act(process: Process, action: GroupAction): void {
    const { machine, leases, name, id } = process;
    switch (action.kind) {
      case 'beat': {
        const sentAt = this.#now;
        this.#call(process, () => {
          const revision = this.#put(`m${name}`, { startedAt: id }, action.revision);
          if (revision === undefined) machine.beatFailed('refused', this.#now);
          else machine.beaten(revision, sentAt);
        });
        break;
      }
      case 'bury':
        this.#call(process, () => void this.#put(`m${action.instance}`, undefined, action.revision));
        break;
      case 'acquire': {
        const { partition, epoch } = action;
        this.#call(process, () => {
          const revision = this.#put(`p${partition}`, { owner: name, epoch, by: id }, action.revision);
          if (revision === undefined) machine.acquireFailed(partition, this.#now);
          else {
            machine.acquired(partition, revision, epoch);
            leases.set(partition, { revision, epoch });
            this.#accepted(process, partition, epoch);
          }
        });
        break;
      }
      case 'release': {
        const lease = leases.get(action.partition)!;
        this.#call(process, () => {
          if (!leases.delete(action.partition)) return;
          const value = { owner: '', epoch: lease.epoch, by: id };
          const revision = this.#put(`p${action.partition}`, value, lease.revision);
          if (revision === undefined) machine.fenced(action.partition);
          else machine.released(action.partition, revision);
        });
        break;
      }
      case 'lose':
        leases.delete(action.partition);
        break;
      case 'superseded':
        process.isSuperseded = true;
        leases.clear();
        break;
    }
  }

  /** Writes a checkpoint. */
  #commit(process: Process, partition: number): boolean {
    const lease = process.leases.get(partition)!;
    const value = { owner: process.name, epoch: lease.epoch, by: process.id };
    const revision = this.#put(`p${partition}`, value, lease.revision);
    if (revision === undefined) {
      process.leases.delete(partition);
      this.#happened(process, () => process.machine.fenced(partition));
      return false;
    }
    lease.revision = revision;
    process.machine.written(partition, revision);
    this.#accepted(process, partition, lease.epoch);
    return true;
  }

  #accepted(process: Process, partition: number, epoch: number): void {
    const key = `${partition} in epoch ${epoch}`;
    const before = this.#writers.get(key);
    assert.ok(before === undefined || before === process.id, `two processes wrote partition ${key}`);
    this.#writers.set(key, process.id);
  }

  #call(process: Process, run: () => void): void {
    process.calls.push({ at: this.#now + this.#delay(), run });
  }

  /** Compare-and-set; without a revision: in any case. Undefined when it is refused. */
  #put(key: string, value: unknown, expected: number | undefined): number | undefined {
    const has = this.#bucket.get(key);
    if (expected !== undefined && (has?.revision ?? 0) !== expected) return undefined;
    return this.#write(key, value);
  }

  #write(key: string, value: unknown): number {
    const entry = { revision: ++this.#revision, value };
    this.#bucket.set(key, entry);
    for (const process of this.#processes) if (process.state !== 'dead') this.#show(process, key, entry);
    return entry.revision;
  }

  /** A watcher sees changes in their order. */
  #show({ machine, inbox }: Process, key: string, { revision, value }: Entry): void {
    const name = key.slice(1);
    const see = (): void => {
      if (key.startsWith('p')) machine.partitionSeen(Number(name), value as PartitionValue, revision);
      else if (value === undefined) machine.memberGone(name, revision);
      else machine.memberSeen(name, revision, (value as { startedAt: number }).startedAt, this.#now);
    };
    const last = inbox.at(-1)?.at ?? 0;
    inbox.push({ at: Math.max(last, this.#now + this.#delay()), see });
  }

  #delay(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) >>> 0;
    return (this.#random / 2 ** 32) * mostDelayMs;
  }
}

function take<T extends { readonly at: number }>(queue: T[], now: number): T[] {
  const due = queue.filter(({ at }) => at <= now);
  queue.splice(0, queue.length, ...queue.filter(({ at }) => at > now));
  return due;
}
