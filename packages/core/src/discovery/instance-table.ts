/**
 * The local table of live instances: a pure state machine `(message, now) → changes`.
 *
 * An instance leaves by its goodbye, or when its time to live passes in silence and nobody vouches for it. While nothing
 * is heard at all `expire` is not called: the last known good table stays in use, and every entry gets a full time to live
 * when this side listens again.
 */
import type { Goodbye, Instance } from './instance.ts';

export const timeToLiveMs = 3_500;

interface Entry {
  instance: Instance;
  seenAt: number;
}

export interface TableChange {
  readonly kind: 'joined' | 'changed' | 'left';
  readonly instance: Instance;
}

export class InstanceTable {
  readonly #entries = new Map<string, Entry>();
  readonly #ttl: number;

  constructor(ttlMs = timeToLiveMs) {
    this.#ttl = ttlMs;
  }

  /** Instances of a service, or all, in order of their ids. */
  list(service?: string): Instance[] {
    const found: Instance[] = [];
    for (const { instance } of this.#entries.values()) {
      if (service === undefined || instance.service === service) found.push(instance);
    }
    return found.sort((a, b) => (a.instance < b.instance ? -1 : 1));
  }

  get(instance: string): Instance | undefined {
    return this.#entries.get(instance)?.instance;
  }

  announced(instance: Instance, now: number): TableChange | undefined {
    const entry = this.#entries.get(instance.instance);
    if (!entry) {
      this.#entries.set(instance.instance, { instance, seenAt: now });
      return { kind: 'joined', instance };
    }
    if (instance.startedAt < entry.instance.startedAt) return undefined;
    entry.seenAt = now;
    if (entry.instance === instance) return undefined;
    const { address, state, contract, startedAt, weight, zone } = entry.instance;
    const same =
      address === instance.address &&
      state === instance.state &&
      contract === instance.contract &&
      startedAt === instance.startedAt &&
      weight === instance.weight &&
      zone === instance.zone;
    entry.instance = instance;
    return same ? undefined : { kind: 'changed', instance };
  }

  left(goodbye: Goodbye): TableChange | undefined {
    const entry = this.#entries.get(goodbye.instance);
    if (!entry || entry.instance.startedAt > goodbye.startedAt) return undefined;
    this.#entries.delete(goodbye.instance);
    return { kind: 'left', instance: entry.instance };
  }

  /** This side has not listened for a while: what the others said meanwhile is not heard yet. */
  listensAgain(now: number): void {
    for (const entry of this.#entries.values()) entry.seenAt = now;
  }

  /** From now on this side hears the heartbeats of a service. */
  listensTo(service: string, now: number): void {
    for (const entry of this.#entries.values()) if (entry.instance.service === service) entry.seenAt = now;
  }

  /**
   * Removes what has been silent for longer than its time to live, except those for whom `vouch` answers true: an
   * instance whose event loop is busy misses heartbeats, but its connection still stands.
   *
   * @param ttlOf where it is not the usual time to live, in milliseconds.
   */
  expire(
    now: number,
    vouch: (instance: Instance) => boolean,
    ttlOf: (instance: Instance) => number = () => this.#ttl,
  ): TableChange[] {
    const changes: TableChange[] = [];
    for (const [id, entry] of this.#entries) {
      if (now - entry.seenAt <= ttlOf(entry.instance) || vouch(entry.instance)) continue;
      this.#entries.delete(id);
      changes.push({ kind: 'left', instance: entry.instance });
    }
    return changes;
  }
}
