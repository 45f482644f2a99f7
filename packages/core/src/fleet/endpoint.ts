/** One instance of a service that this process calls: the connection to it, its load and its health as seen from here. */
import type { Candidate } from '../balancing/index.ts';
import { PeakEwma } from '../balancing/index.ts';
import type { Instance } from '../discovery/instance.ts';
import { OutlierDetector } from '../resilience/outlier.ts';
import type { EjectionPolicy } from '../resilience/policy.ts';
import type { Channel } from '../rpc/channel.ts';

export class Endpoint implements Candidate {
  /** As it announced itself last. */
  instance: Instance;
  channel: Channel | undefined;
  isDialling = false;
  /** Dials it again after a pause. */
  redial: NodeJS.Timeout | undefined;
  /** When the last dial failed. */
  failedAt = Number.NEGATIVE_INFINITY;
  /** When it could be called first, or again after an ejection: its slow start begins there. */
  joinedAt = 0;
  /** Operations of this service that this process cannot call here, because their contract has changed: why, by name. */
  incompatible: ReadonlyMap<string, readonly string[]> = new Map();
  readonly outlier: OutlierDetector;
  readonly #latency = new PeakEwma();
  /** Requests that wait for an answer; streams are none. */
  #waiting = 0;
  /** When the last of them ended, or the first was sent. */
  #silentSince = 0;
  /** The connection whose loss has been counted as a failure. */
  #countedLoss: Channel | undefined;

  constructor(instance: Instance, policy: EjectionPolicy) {
    this.instance = instance;
    this.outlier = new OutlierDetector(policy);
  }

  get id(): string {
    return this.instance.instance;
  }
  get zone(): string {
    return this.instance.zone;
  }
  get weight(): number {
    return this.instance.weight;
  }
  get inFlight(): number {
    return this.channel?.inFlight ?? 0;
  }
  get isOpen(): boolean {
    return this.channel?.state === 'open';
  }
  /** It is being dialled for the first time. */
  get isComing(): boolean {
    return this.isDialling && this.joinedAt === 0 && this.failedAt === Number.NEGATIVE_INFINITY;
  }
  get isStalled(): boolean {
    return this.channel?.stalled ?? false;
  }

  /** What it took lately, or what those who wait have waited without any answer, if that is longer. */
  latencyAt(now: number): number {
    const latencyMs = this.#latency.at(now);
    return this.#waiting > 0 ? Math.max(latencyMs, now - this.#silentSince) : latencyMs;
  }

  sent(now: number): void {
    if (this.#waiting++ === 0) this.#silentSince = now;
  }

  /** A request has ended, whatever its outcome. */
  ended(now: number): void {
    this.#waiting--;
    this.#silentSince = now;
  }

  answered(latencyMs: number, now: number): void {
    this.#latency.observe(latencyMs, now);
  }

  /** True for the first call that fails with a connection: the loss of a connection is one failure, whatever it carried. */
  isFirstLossOf(channel: Channel): boolean {
    if (this.#countedLoss === channel) return false;
    this.#countedLoss = channel;
    return true;
  }
}
