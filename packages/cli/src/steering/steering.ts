/**
 * What an operator decides while the fleet runs: faults, policies, breakers held open or closed. Kept here and nowhere
 * else, so that it ends with the supervisor; sent to every process at each change.
 */

import type { ControlDocument, Fault } from 'flotilla';
import { type PolicyRule, PolicyRules } from 'flotilla/policy-rules';
import { selectorOf, unknownIn } from '../config/selector.ts';
import { Failure } from '../failure.ts';
import type { Plan } from '../supervision/plan.ts';
import type { FaultOrder, FaultView } from './fault-order.ts';
import { merged, requireKey, ruleOf, without } from './policy-order.ts';
import { ProcessFaults, type ProcessSource } from './process-faults.ts';

export type BreakerOrder = 'open' | 'closed' | 'auto';

export interface FaultChange extends FaultView {
  readonly state: 'begun' | 'ended';
  /** Why it ended: its time was over, it was cleared, it was done (`kill`), or the fleet stops. */
  readonly because?: 'expired' | 'cleared' | 'done' | 'stopped';
}

export interface SteeringOptions {
  readonly plan: Plan;
  readonly processes: ProcessSource;
  /** From the configuration. */
  readonly policies: PolicyRules;
  readonly faultsAllowed: boolean;
  /** Path of the configuration, for the operator who has to allow them. */
  readonly config: string;
  /** Operations of a service, where they can be known now. */
  operations(service: string): Promise<readonly string[] | undefined>;
  /** Called at every change. */
  push(document: ControlDocument): void;
  onFault(change: FaultChange): void;
}

interface RunningFault {
  readonly fault: Fault;
  readonly view: FaultView;
  readonly timer: NodeJS.Timeout;
}

export class Steering {
  readonly #options: SteeringOptions;
  readonly #processes: ProcessFaults;
  readonly #running = new Map<string, RunningFault>();
  #document: ControlDocument;
  #lastFault = 0;

  constructor(options: SteeringOptions) {
    this.#options = options;
    this.#processes = new ProcessFaults(options.processes);
    this.#document = { configured: options.policies, policies: {}, faults: [], breakers: {} };
  }

  get document(): ControlDocument {
    return this.#document;
  }

  get faults(): FaultView[] {
    return [...this.#running.values()].map(({ view }) => view);
  }

  /** @throws Failure that says what is wrong with the order; nothing of it has then begun. */
  async addFaults(order: FaultOrder): Promise<FaultView[]> {
    const { plan, faultsAllowed, config } = this.#options;
    if (!faultsAllowed) {
      throw new Failure('faults_not_allowed', 'this fleet does not allow faults to be injected', {
        repair: `write faults: true into ${config}, and start the fleet again`,
      });
    }
    const { faultsOf, viewOf } = await import('./fault-order.ts');
    const ordered = faultsOf(order, plan, Date.now());
    const target = ordered[0]?.target;
    if (target !== undefined && 'from' in target) {
      await this.#requireOperation(target.to.replace(/-\d+$/, ''), target.operation);
    }
    // First those that may find no process, so that nothing has begun if they do.
    const faults = ordered
      .map((fault): Fault => ({ ...fault, id: `f${++this.#lastFault}` }))
      .sort((a, b) => Number(isOfProcess(b)) - Number(isOfProcess(a)));
    for (const fault of faults) this.#begin(fault, viewOf(fault));
    this.#push({});
    return faults.map(viewOf);
  }

  /**
   * Without an id: all of them. Returns what was ended.
   *
   * @throws Failure `not_found` for an id that is none.
   */
  clearFaults(id?: string): FaultView[] {
    const ids = [...this.#running.keys()];
    if (id !== undefined && !this.#running.has(id)) {
      throw new Failure('not_found', `there is no fault "${id}"`, {
        repair:
          ids.length === 0 ? 'none holds at the moment' : `use one of ${ids.join(', ')}, or none for all`,
      });
    }
    return this.#end(id === undefined ? ids : [id], 'cleared');
  }

  /**
   * Changes single settings of a selector's run-time rule. Returns all run-time rules.
   *
   * @throws Failure `not_found` for a service or operation, `usage` for a setting that does not exist.
   */
  async setPolicy(selector: string, settings: readonly string[]): Promise<PolicyRules> {
    await this.#requireSelector(selector, true);
    const rule = ruleOf(settings, selector);
    const { policies } = this.#document;
    return this.#setPolicies({ ...policies, [selector]: merged(policies[selector], rule) });
  }

  /** All rules, one selector's, or some of its settings. What the configuration says holds again. */
  clearPolicies(selector?: string, keys: readonly string[] = []): PolicyRules {
    if (selector === undefined) return this.#setPolicies({});
    const { [selector]: rule, ...others } = this.#document.policies;
    if (rule === undefined) {
      const known = Object.keys(this.#document.policies).join(', ');
      throw new Failure('not_found', `no policy was set for ${selector} at run time`, {
        repair: known === '' ? 'none was set at all' : `use one of ${known}`,
      });
    }
    let left: PolicyRule | undefined = keys.length === 0 ? undefined : rule;
    for (const key of keys) left = left && without(left, requireKey(key));
    return this.#setPolicies(left === undefined ? others : { ...others, [selector]: left });
  }

  /**
   * Holds the breakers of a selector; `auto` lets them decide again. Returns all that are held.
   *
   * @throws Failure `not_found` for a service or operation that is not there.
   */
  async setBreaker(selector: string, order: BreakerOrder): Promise<ControlDocument['breakers']> {
    const isHeld = selector in this.#document.breakers;
    if (!isHeld || order !== 'auto') await this.#requireSelector(selector, false);
    const { [selector]: _, ...others } = this.#document.breakers;
    this.#push({ breakers: order === 'auto' ? others : { ...others, [selector]: order } });
    return this.#document.breakers;
  }

  /** Ends all faults; the rest ends with the processes. */
  close(): void {
    this.#end([...this.#running.keys()], 'stopped');
  }

  #begin(fault: Fault, view: FaultView): void {
    const done = this.#processes.begin(fault);
    this.#options.onFault({ ...view, state: 'begun' });
    if (done) {
      this.#options.onFault({ ...view, state: 'ended', because: 'done' });
      return;
    }
    const timer = setTimeout(
      () => this.#end([fault.id], 'expired'),
      Math.max(1, fault.expiresAt - Date.now()),
    );
    this.#running.set(fault.id, { fault, view, timer: timer.unref() });
  }

  #end(ids: readonly string[], because: 'expired' | 'cleared' | 'stopped'): FaultView[] {
    const ended = ids.flatMap((id) => this.#running.get(id) ?? []);
    if (ended.length === 0) return [];
    for (const { fault, view, timer } of ended) {
      clearTimeout(timer);
      this.#running.delete(fault.id);
      this.#processes.end(fault);
      this.#options.onFault({ ...view, state: 'ended', because });
    }
    this.#push({});
    return ended.map(({ view }) => view);
  }

  #setPolicies(policies: PolicyRules): PolicyRules {
    this.#push({ policies });
    return policies;
  }

  async #requireSelector(selector: string, all: boolean): Promise<void> {
    const services = this.#options.plan.filter((unit) => unit.kind === 'service').map((unit) => unit.name);
    const { service, operation } = selectorOf(selector);
    if (!PolicyRules.safeParse({ [selector]: {} }).success || (service === '*' && !all)) {
      throw new Failure('usage', `"${selector}" does not say whose calls are meant`, {
        repair: `write <service>, <service>.<operation> or <caller>-><service>${all ? ', or * for all' : ''}`,
      });
    }
    const [unknown] = unknownIn(selector, services);
    if (unknown !== undefined) {
      throw new Failure('not_found', `there is no service "${unknown}" in this fleet`, {
        repair: `use one of ${services.join(', ')}`,
      });
    }
    await this.#requireOperation(service, operation);
  }

  /** A name that is silently without effect costs an afternoon. Where a service is away, it is taken as it is. */
  async #requireOperation(service: string, operation: string | undefined): Promise<void> {
    if (operation === undefined) return;
    const known = await this.#options.operations(service);
    if (known === undefined || known.includes(operation)) return;
    throw new Failure('not_found', `${service} has no operation "${operation}"`, {
      repair: `use one of ${known.join(', ')}`,
    });
  }

  #push(changes: Partial<ControlDocument>): void {
    const faults = [...this.#running.values()].map(({ fault }) => fault);
    this.#document = { ...this.#document, ...changes, faults };
    this.#options.push(this.#document);
  }
}

function isOfProcess({ kind }: Fault): boolean {
  return kind === 'pause' || kind === 'kill';
}
