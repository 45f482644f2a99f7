/** When a consumer that nobody uses goes away. */
import { type ConsumerConfig, isPush } from './consumer-config.ts';

const NS_PER_MS = 1e6;
/** Of a consumer without a durable name that says nothing else, in ns. */
export const DEFAULT_INACTIVE_THRESHOLD_NS = 5_000_000_000;

export class Inactivity {
  /** In ms; 0 for a consumer that stays. */
  readonly #threshold: number;
  readonly #isPush: boolean;
  #since: number;
  /** Someone is subscribed to the deliver subject of a push consumer. */
  #bound = false;
  /** Not to be looked at before. */
  #notBefore = 0;

  /**
   * @param config with its threshold filled in.
   * @param jitter ms by which it may outlive its threshold; spreads the deletions of many.
   */
  constructor(config: ConsumerConfig, jitter: number, now: number) {
    const threshold = config.inactive_threshold / NS_PER_MS;
    this.#isPush = isPush(config);
    const exact = this.#isPush && config.inactive_threshold !== DEFAULT_INACTIVE_THRESHOLD_NS;
    this.#threshold = threshold <= 0 ? 0 : threshold + (exact ? 0 : jitter);
    this.#since = now;
  }

  get deadline(): number {
    if (this.#threshold === 0 || this.#bound) return Number.POSITIVE_INFINITY;
    return Math.max(this.#since + this.#threshold, this.#notBefore);
  }

  used(now: number): void {
    this.#since = now;
  }

  /** For a push consumer: the first subscriber has come, or the last has gone. */
  bind(bound: boolean, now: number): void {
    if (this.#bound && !bound) this.#since = now;
    this.#bound = bound;
  }

  /** Requests are still waiting: look again later. */
  postpone(now: number): void {
    this.#notBefore = now + this.#threshold;
  }
}
