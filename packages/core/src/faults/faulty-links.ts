/** The connections of one dialled address or one listening end, as `blackhole` and `reset` find them. */
import { platformError } from '../errors/flotilla-error.ts';
import type { LinkControl, LinkObserver } from '../rpc/link-control.ts';
import type { Fault } from './fault.ts';
import type { FaultInjector, FaultSite } from './fault-injector.ts';
import { formatFaultTarget } from './fault-text.ts';
import { hitsCalls } from './injection.ts';

export class FaultyLinks implements LinkObserver, FaultSite {
  readonly #injector: FaultInjector;
  readonly #hits: (fault: Fault) => boolean;
  readonly #links = new Set<LinkControl>();
  #blackhole: Fault | undefined;
  #reset: Fault | undefined;

  /** @param hits whether a fault is about these connections */
  constructor(injector: FaultInjector, hits: (fault: Fault) => boolean) {
    this.#injector = injector;
    this.#hits = hits;
  }

  get size(): number {
    return this.#links.size;
  }

  faultsChanged(active: readonly Fault[]): void {
    const blackhole = active.find((fault) => fault.kind === 'blackhole' && this.#hits(fault));
    const reset = active.find((fault) => fault.kind === 'reset' && !hitsCalls(fault) && this.#hits(fault));
    const cutNow = reset !== undefined && reset !== this.#reset;
    this.#reset = reset;
    if (cutNow) this.cut(reset);
    const before = this.#blackhole;
    this.#blackhole = blackhole;
    if ((before === undefined) === (blackhole === undefined)) return;
    for (const link of this.#links) {
      link.hold(blackhole !== undefined);
      if (blackhole) this.#injector.hit(blackhole);
    }
  }

  /** Cuts all connections there are. */
  cut(fault: Fault): void {
    for (const link of [...this.#links]) this.cutOne(link, fault);
  }

  cutOne(link: LinkControl, fault: Fault): void {
    this.#injector.hit(fault);
    const target = formatFaultTarget(fault.target);
    link.cut(platformError('unavailable', `the connection was cut by fault ${fault.id} on ${target}`));
  }

  linkOpened(link: LinkControl): void {
    this.#links.add(link);
    if (this.#blackhole) {
      link.hold(true);
      this.#injector.hit(this.#blackhole);
    }
    const reset = this.#reset;
    if (reset === undefined) return;
    // Not now: whoever opens it has to have it in hand first.
    setImmediate(() => {
      if (this.#reset === reset && this.#links.has(link)) this.cutOne(link, reset);
    });
  }

  linkEnded(link: LinkControl): void {
    this.#links.delete(link);
  }
}
