/** The fleet as the gateway's upstream: follows discovery, and asks every service for the contract it announces. */
import type { CallOptions, CallResult, ContractDocument, FleetMember, Instance, Logger } from 'flotilla';
import type { ContractStore } from './contract-store.ts';
import type { Upstream } from './upstream.ts';

/** What this needs of a fleet member. */
export interface Membership extends Pick<FleetMember, 'call' | 'stream' | 'contract'> {
  readonly discovery: {
    list(service?: string): Instance[];
    onChange(listener: (change: { readonly instance: Instance }) => void): () => void;
  };
}

/** How long to wait before a service is asked again for its contract, in milliseconds. */
const retryMs = 100;

export class FleetUpstream implements Upstream {
  readonly #member: Membership;
  readonly #store: ContractStore;
  readonly #log: Logger;
  readonly #documents = new Map<string, ContractDocument>();
  readonly #live = new Set<string>();
  readonly #asking = new Set<string>();
  readonly #listeners: (() => void)[] = [];
  #unsubscribe: (() => void) | undefined;

  constructor(member: Membership, store: ContractStore, log: Logger) {
    this.#member = member;
    this.#store = store;
    this.#log = log;
  }

  /**
   * Loads what was known before, and begins to follow the fleet.
   *
   * @param members the services that the fleet has, where that is known: a stored contract of another one is forgotten.
   */
  async start(members?: readonly string[]): Promise<void> {
    for (const document of await this.#store.load()) {
      if (members?.includes(document.service) ?? true) this.#documents.set(document.service, document);
    }
    this.#unsubscribe = this.#member.discovery.onChange(({ instance }) => this.#check(instance.service));
    for (const service of new Set(this.#member.discovery.list().map((instance) => instance.service))) {
      this.#check(service);
    }
  }

  stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  services(): readonly ContractDocument[] {
    return [...this.#documents.values()];
  }

  /** Whether the service itself told its contract since this process started, and not only an earlier run. */
  isLive(service: string): boolean {
    return this.#live.has(service);
  }

  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  call(service: string, operation: string, payload: Uint8Array, options: CallOptions): Promise<CallResult> {
    return this.#member.call(service, operation, payload, options);
  }

  stream(
    service: string,
    operation: string,
    payload: Uint8Array,
    options: CallOptions,
  ): AsyncIterableIterator<Buffer> {
    return this.#member.stream(service, operation, payload, options);
  }

  #check(service: string): void {
    if (this.#asking.has(service) || !this.#isBehind(service)) return;
    this.#asking.add(service);
    void this.#ask(service);
  }

  /** Whether no running instance serves the contract we know, though some serve one. */
  #isBehind(service: string): boolean {
    const hashes = this.#member.discovery
      .list(service)
      .filter(({ state, contract, address }) => state === 'ready' && contract !== '' && address !== '')
      .map(({ contract }) => contract);
    const known = this.#documents.get(service)?.hash;
    return hashes.length > 0 && (!this.#live.has(service) || known === undefined || !hashes.includes(known));
  }

  async #ask(service: string): Promise<void> {
    while (this.#unsubscribe && this.#isBehind(service)) {
      try {
        this.#learn(await this.#member.contract(service));
      } catch (error) {
        this.#log.debug('a service did not tell its contract: asking again', { of: service, error });
      }
      if (this.#isBehind(service)) await new Promise((resolve) => setTimeout(resolve, retryMs).unref());
    }
    this.#asking.delete(service);
  }

  #learn(document: ContractDocument): void {
    const { service, hash } = document;
    const changed = this.#documents.get(service)?.hash !== hash;
    this.#documents.set(service, document);
    this.#live.add(service);
    if (changed) {
      this.#log.info('learned a contract', { of: service, contract: hash });
      void this.#store.save(this.services());
    }
    for (const listener of this.#listeners) listener();
  }
}
