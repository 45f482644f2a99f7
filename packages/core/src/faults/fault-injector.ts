/**
 * The faults of one process: keeps the book, ends faults at their time, tells the places where they are injected, and
 * leaves a trace of each in log and metrics. `pause` and `kill` are the supervisor's and ignored here.
 */
import type { Peer } from '../rpc/channel.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Counter, Metrics } from '../telemetry/metrics.ts';
import { Span } from '../telemetry/span.ts';
import type { TraceContext } from '../telemetry/trace-context.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import { CpuBurner } from './cpu-burner.ts';
import { type Fault, isEdge } from './fault.ts';
import { FaultBook, type FaultChange, hitsProcess } from './fault-book.ts';
import { formatFaultEffect, formatFaultTarget } from './fault-text.ts';

/** A place where faults are injected. */
export interface FaultSite {
  /** Called with the faults that concern this process, whenever they change. */
  faultsChanged(active: readonly Fault[]): void;
}

export interface FaultInjectorOptions {
  /** Which process this is. */
  readonly identity: Peer;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly tracer: Pick<Tracer, 'start'>;
  /** Unix time in milliseconds. Default `Date.now`. */
  readonly now?: () => number;
  /** In [0,1). Default `Math.random`. */
  readonly random?: () => number;
  readonly burner?: Pick<CpuBurner, 'set'>;
}

interface Running {
  readonly fault: Fault;
  readonly counter: Counter;
  injected: number;
}

export class FaultInjector {
  readonly identity: Peer;
  readonly random: () => number;
  readonly #log: Logger;
  readonly #tracer: Pick<Tracer, 'start'>;
  readonly #now: () => number;
  readonly #burner: Pick<CpuBurner, 'set'>;
  readonly #book = new FaultBook();
  readonly #sites = new Set<FaultSite>();
  readonly #running = new Map<string, Running>();
  readonly #counters: (labels: { kind: string; target: string }) => Counter;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: FaultInjectorOptions) {
    this.identity = { service: options.identity.service, instance: options.identity.instance };
    this.#log = options.log;
    this.#tracer = options.tracer;
    this.#now = options.now ?? Date.now;
    this.random = options.random ?? Math.random;
    this.#burner = options.burner ?? new CpuBurner();
    this.#counters = options.metrics.counter(
      'flotilla_faults_injected',
      'Calls, connections and processes that an injected fault has hit here.',
    );
  }

  /** The faults that concern this process now. */
  get active(): readonly Fault[] {
    return this.#book.active;
  }

  /** Replaces all faults of the fleet; those that concern other processes only are left out. */
  set(faults: readonly Fault[]): void {
    const mine = faults.filter((fault) => this.#concerns(fault));
    this.#change(this.#book.set(mine, this.#now()));
  }

  /** Tells `site` of the faults there are, and of every change from now on. Returns how to end that. */
  attach(site: FaultSite): () => void {
    this.#sites.add(site);
    if (this.active.length > 0) site.faultsChanged(this.active);
    return () => this.#sites.delete(site);
  }

  /** Ends all faults. */
  close(): void {
    this.set([]);
  }

  /** Counts one hit. With the span that it hits, where that is of this process, the span tells as well. */
  hit(fault: Fault, span?: TraceContext): void {
    const running = this.#running.get(fault.id);
    if (running) {
      running.injected++;
      running.counter.add();
    }
    if (span instanceof Span) span.event('flotilla.fault', attributesOf(fault));
  }

  /** A span for what a fault does where there is no other: its parent is the span of the caller. */
  span(fault: Fault, parent: TraceContext | undefined): Span {
    const span = this.#tracer.start(`fault ${fault.kind}`, 'internal', parent);
    for (const [key, value] of Object.entries(attributesOf(fault))) span.set(key, value);
    return span;
  }

  #concerns(fault: Fault): boolean {
    if (fault.kind === 'pause' || fault.kind === 'kill') return false;
    if (!isEdge(fault.target)) return hitsProcess(fault, this.identity);
    return fault.target.from === this.identity.service || fault.target.from === this.identity.instance;
  }

  #change({ begun, ended }: FaultChange): void {
    clearTimeout(this.#timer);
    this.#waitForExpiry();
    if (begun.length === 0 && ended.length === 0) return;
    for (const fault of begun) this.#begin(fault);
    let cpu = 0;
    for (const fault of this.active) if (fault.kind === 'cpu') cpu += fault.cpu;
    this.#burner.set(cpu);
    // A site may come or go while it is told.
    for (const site of [...this.#sites]) site.faultsChanged(this.active);
    for (const fault of ended) this.#end(fault);
  }

  #waitForExpiry(): void {
    const { nextExpiry } = this.#book;
    if (nextExpiry === Number.POSITIVE_INFINITY) return;
    const dueMs = Math.max(0, nextExpiry - this.#now());
    this.#timer = setTimeout(() => this.#change(this.#book.expire(this.#now())), dueMs).unref();
  }

  #begin(fault: Fault): void {
    const target = formatFaultTarget(fault.target);
    this.#running.set(fault.id, {
      fault,
      counter: this.#counters({ kind: fault.kind, target }),
      injected: 0,
    });
    this.#log.warn('a fault begins here', {
      fault: fault.id,
      target,
      effect: formatFaultEffect(fault),
      forMs: fault.expiresAt - this.#now(),
    });
    if (fault.kind === 'cpu') this.hit(fault);
  }

  #end(fault: Fault): void {
    const running = this.#running.get(fault.id);
    this.#running.delete(fault.id);
    this.#log.warn('a fault has ended here', {
      fault: fault.id,
      target: formatFaultTarget(fault.target),
      effect: formatFaultEffect(fault),
      why: fault.expiresAt <= this.#now() ? 'its time is over' : 'cleared',
      injected: running?.injected ?? 0,
    });
  }
}

function attributesOf(fault: Fault): Record<string, string> {
  return {
    'flotilla.fault.id': fault.id,
    'flotilla.fault.target': formatFaultTarget(fault.target),
    'flotilla.fault.effect': formatFaultEffect(fault),
  };
}
