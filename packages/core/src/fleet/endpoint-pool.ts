/**
 * The instances of one service and the connections to them: one to each, dialled as soon as the instance is known, dialled
 * again when lost, dropped when the instance leaves the table. Says which may take calls now, and who waits for one.
 */
import { preferZone } from '../balancing/index.ts';
import type { Instance } from '../discovery/instance.ts';
import { mayEject } from '../resilience/outlier.ts';
import type { CallPolicy } from '../resilience/policy.ts';
import type { Channel, Transport, WireIdentity } from '../rpc/channel.ts';
import type { Logger } from '../telemetry/log.ts';
import { Endpoint } from './endpoint.ts';

/** After a failed dial the instance is left alone for this long, so that a dead one costs nothing. */
const redialPauseMs = 100;
/**
 * Calls that have waited for an instance do not go all at once: they would be the very load that a process just started can
 * bear least. So many go first, and for each call that ends two more, so that their number doubles in the time of a call
 * while the instance keeps up, as the window of a TCP connection does in slow start.
 */
const releasedFirst = 16;
const releasedPerEnd = 2;

/** Waits for an instance. */
export interface InstanceWaiter {
  /** Some instance takes calls. */
  instanceCame(): void;
}

export interface EndpointPoolOptions {
  readonly service: string;
  readonly identity: WireIdentity;
  readonly zone: string;
  readonly transport: Transport;
  readonly log: Logger;
  readonly policy: CallPolicy;
  /** What of this service's operations cannot be called on an instance. Asked before it takes calls. */
  readonly incompatibleOn: (instance: Instance, channel: Channel) => Promise<Endpoint['incompatible']>;
  /** An instance has stopped answering at all: its calls in flight may be tried elsewhere. */
  readonly onStall: (endpoint: Endpoint) => void;
  readonly onEjection: (endpoint: Endpoint, reason: 'failures' | 'stalled') => void;
}

export class EndpointPool {
  readonly #options: EndpointPoolOptions;
  readonly #endpoints = new Map<string, Endpoint>();
  readonly #waiters = new Set<InstanceWaiter>();
  /** Waiters that go when the call that has ended is off the stack. */
  #released = 0;
  #policy: CallPolicy;
  /** Replaced, never changed: the hot path reads one array, and balancers remember what they know of it. */
  #candidates: readonly Endpoint[] = [];
  #someIncompatible = false;
  /** Candidates by operation, where they differ between operations. */
  readonly #candidatesOf = new Map<string, readonly Endpoint[]>();
  /** Connections to instances that have left the table, with calls that may finish. */
  readonly #leaving = new Set<Channel>();
  #wasKnown = false;
  /** When there was last reason to expect an instance that is not there yet; -Infinity: there is none. */
  #expectedSince = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: EndpointPoolOptions) {
    this.#options = options;
    this.#policy = options.policy;
  }

  get endpoints(): Iterable<Endpoint> {
    return this.#endpoints.values();
  }

  set policy(policy: CallPolicy) {
    this.#policy = policy;
    for (const { outlier } of this.#endpoints.values()) outlier.policy = policy.ejection;
    this.#refresh();
  }

  /** Follows the table: called with the service's instances whenever they change. */
  update(instances: readonly Instance[]): void {
    if (this.#closed) return;
    const wanted = new Map<string, Instance>();
    for (const instance of instances) {
      if (instance.state === 'ready' && instance.address !== '') wanted.set(instance.instance, instance);
      else if (instance.state === 'draining' && this.#endpoints.has(instance.instance)) this.#expectOne();
    }
    for (const [id, endpoint] of this.#endpoints) {
      const next = wanted.get(id);
      const { address, startedAt } = endpoint.instance;
      if (next?.address === address && next.startedAt === startedAt) {
        endpoint.instance = next;
        continue;
      }
      this.#endpoints.delete(id);
      if (endpoint.channel) this.#leaving.add(endpoint.channel);
    }
    this.#endIdle();
    for (const [id, instance] of wanted) {
      if (this.#endpoints.has(id)) continue;
      const endpoint = new Endpoint(instance, this.#policy.ejection);
      this.#endpoints.set(id, endpoint);
      this.#wasKnown = true;
      this.#expectOne();
      this.#dial(endpoint);
    }
    this.#refresh();
  }

  /**
   * The instances that may take a call: open, compatible, neither ejected nor stalled, in the caller's zone where that is
   * enough. When only ejected or stalled ones are open, those: they may be better than nothing.
   */
  candidates(operation: string): readonly Endpoint[] {
    if (!this.#someIncompatible) return this.#candidates;
    let found = this.#candidatesOf.get(operation);
    if (!found) {
      found = this.#select(operation);
      this.#candidatesOf.set(operation, found);
    }
    return found;
  }

  /** Why an operation has no candidate although instances are there: all break it. Undefined when that is not why. */
  incompatibility(operation: string): string | undefined {
    const reasons = [...this.#endpoints.values()].map(({ incompatible }) => incompatible.get(operation));
    // One that is not connected yet may fit.
    return reasons.every((reason) => reason !== undefined) ? reasons[0]?.join('; ') : undefined;
  }

  /**
   * Until when it is worth waiting for an instance: one is being dialled, or the last one drained, as in a restart, and will
   * have a successor. -Infinity when there is none to be expected: what has crashed is `unavailable` at once.
   */
  hopeUntil(waitMs: number): number {
    return this.#expectedSince + waitMs;
  }

  /** Calls `waiter.instanceCame()` once, when some instance takes calls and it is its turn; until `forget`. */
  await(waiter: InstanceWaiter): void {
    this.#waiters.add(waiter);
    // A call is reason enough to try those whose last dial failed.
    for (const endpoint of this.#endpoints.values()) {
      if (performance.now() - endpoint.failedAt >= redialPauseMs) this.#dial(endpoint);
    }
  }

  /** A call to this service has ended and was not refused: there is room for some that still wait. */
  ended(): void {
    if (this.#waiters.size === 0 || this.#candidates.length === 0) return;
    if (this.#released === 0) process.nextTick(() => this.#release());
    this.#released += releasedPerEnd;
  }

  forget(waiter: InstanceWaiter): void {
    this.#waiters.delete(waiter);
  }

  /** Whether an instance was ever known. */
  get wasKnown(): boolean {
    return this.#wasKnown;
  }

  get size(): number {
    return this.#endpoints.size;
  }

  /** Whether some connection to this instance is open: proof of life for discovery. */
  isConnected(instance: Instance): boolean {
    return this.#endpoints.get(instance.instance)?.isOpen ?? false;
  }

  /** An instance answered a call with a failure that is its own. */
  failed(endpoint: Endpoint, now: number): void {
    if (!endpoint.outlier.failed(now)) return;
    const all = [...this.#endpoints.values()].filter((each) => each.isOpen);
    const ejected = all.filter((each) => each.outlier.isEjected(now)).length;
    if (!mayEject(all.length, ejected, this.#policy.ejection)) return;
    endpoint.outlier.eject(now);
    this.#options.onEjection(endpoint, 'failures');
    this.#refresh();
    this.#returnLater(endpoint, endpoint.outlier.ejectedUntil - now);
  }

  close(): void {
    this.#closed = true;
    for (const { channel } of this.#endpoints.values()) channel?.close();
    for (const channel of this.#leaving) channel.close();
    this.#endpoints.clear();
    this.#candidates = [];
    this.#candidatesOf.clear();
    // What waits tries once more, and fails by finding nobody.
    this.#expectedSince = Number.NEGATIVE_INFINITY;
    this.#wake(Number.POSITIVE_INFINITY);
  }

  #expectOne(): void {
    this.#expectedSince = performance.now();
  }

  /** An instance has gone without a word: unless another is just coming, there is nothing to wait for. */
  #crashed(): void {
    if (this.#candidates.length > 0 || [...this.#endpoints.values()].some(({ isComing }) => isComing)) return;
    this.#expectedSince = Number.NEGATIVE_INFINITY;
  }

  /** An instance that leaves says go-away, or its death closes the channel. One that forgets to is left. */
  #endIdle(): void {
    for (const channel of [...this.#leaving]) {
      if (channel.state === 'open' && channel.inFlight === 0) channel.close();
    }
  }

  #returnLater(endpoint: Endpoint, delayMs: number): void {
    setTimeout(() => {
      if (this.#closed || this.#endpoints.get(endpoint.id) !== endpoint) return;
      endpoint.joinedAt = performance.now();
      this.#refresh();
    }, delayMs + 1).unref();
  }

  /** And again, for as long as the instance is in the table: the next call should find the channel open. */
  #dial(endpoint: Endpoint): void {
    const isGone = this.#closed || this.#endpoints.get(endpoint.id) !== endpoint;
    if (isGone || endpoint.channel || endpoint.isDialling) return;
    endpoint.isDialling = true;
    this.#connect(endpoint)
      .catch(() => this.#dialLater(endpoint))
      .finally(() => {
        endpoint.isDialling = false;
      });
  }

  #dialLater(endpoint: Endpoint): void {
    const pause = redialPauseMs * (1 + Math.random());
    clearTimeout(endpoint.redial);
    endpoint.redial = setTimeout(() => this.#dial(endpoint), pause).unref();
  }

  async #connect(endpoint: Endpoint): Promise<void> {
    const { identity, transport, log, incompatibleOn } = this.#options;
    const { address, service, instance } = endpoint.instance;
    let channel: Channel | undefined;
    try {
      channel = await transport.dial({ address, identity, expect: { service, instance } });
      endpoint.incompatible = await incompatibleOn(endpoint.instance, channel);
    } catch (error) {
      channel?.close();
      endpoint.failedAt = performance.now();
      log.debug('cannot connect', { to: instance, address, error });
      throw error;
    }
    if (this.#closed || this.#endpoints.get(instance) !== endpoint) channel.close();
    else this.#opened(endpoint, channel);
  }

  #opened(endpoint: Endpoint, channel: Channel): void {
    endpoint.channel = channel;
    if (endpoint.joinedAt === 0) endpoint.joinedAt = performance.now();
    let drained = false;
    channel.onDrain(() => {
      drained = channel.state === 'draining';
      if (drained) this.#expectOne();
      this.#refresh();
    });
    channel.onStall((stalled) => {
      this.#options.log.warn(stalled ? 'an instance stands still' : 'an instance moves again', {
        to: endpoint.id,
      });
      if (stalled) this.#options.onEjection(endpoint, 'stalled');
      this.#refresh();
      if (stalled) this.#options.onStall(endpoint);
    });
    channel.onClose((reason) => {
      if (endpoint.channel === channel) endpoint.channel = undefined;
      this.#leaving.delete(channel);
      if (reason && !drained) this.#crashed();
      if (reason) this.#options.log.debug('connection lost', { to: endpoint.id, reason: reason.message });
      this.#refresh();
      this.#dialLater(endpoint);
    });
    this.#refresh();
  }

  #refresh(): void {
    this.#someIncompatible = false;
    for (const { incompatible } of this.#endpoints.values()) {
      if (incompatible.size > 0) this.#someIncompatible = true;
    }
    this.#candidatesOf.clear();
    this.#candidates = this.#select(undefined);
    if (this.#waiters.size > 0 && this.#candidates.length > 0) this.#wake(releasedFirst);
  }

  #select(operation: string | undefined): readonly Endpoint[] {
    const now = performance.now();
    const open: Endpoint[] = [];
    const fit: Endpoint[] = [];
    for (const endpoint of this.#endpoints.values()) {
      if (!endpoint.isOpen || (operation !== undefined && endpoint.incompatible.has(operation))) continue;
      open.push(endpoint);
      if (!endpoint.isStalled && !endpoint.outlier.isEjected(now)) fit.push(endpoint);
    }
    if (fit.length === 0) return open;
    return this.#policy.preferZone ? preferZone(fit, this.#options.zone) : fit;
  }

  #release(): void {
    const count = this.#released;
    this.#released = 0;
    this.#wake(count);
  }

  /** Those who have waited longest go first. */
  #wake(most: number): void {
    const waiters = [...this.#waiters.keys().take(most)];
    for (const waiter of waiters) {
      this.#waiters.delete(waiter);
      waiter.instanceCame();
    }
  }
}
