/** The policies that hold in this process, from all layers, for every service and operation that it calls. */
import {
  type EffectivePolicy,
  explainPolicy,
  type PolicyLayer,
  type PolicyRules,
  type PolicyValue,
  resolvePolicy,
} from '../resilience/policy-rules.ts';
import type { ControlDocument } from './control-document.ts';

export class PolicyBook {
  readonly #caller: string;
  readonly #code: PolicyRules;
  #layers: readonly PolicyLayer[];

  /**
   * @param caller the service that calls
   * @param code rules that the service itself has in its code
   */
  constructor(caller: string, code: PolicyRules) {
    this.#caller = caller;
    this.#code = code;
    this.#layers = [{ source: 'code', rules: code }];
  }

  update({ configured, policies }: ControlDocument): void {
    this.#layers = [
      { source: 'code', rules: this.#code },
      { source: 'configuration', rules: configured },
      { source: 'run time', rules: policies },
    ];
  }

  /** @param operation its name within the service; without one, what all operations of the service share. */
  of(service: string, operation?: string): EffectivePolicy {
    return resolvePolicy(this.#layers, this.#caller, service, operation);
  }

  explain(service: string, operation?: string): PolicyValue[] {
    return explainPolicy(this.#layers, this.#caller, service, operation);
  }
}
