/** What becomes of a message that could not be handled, as its subscription wants it. */
import type { Logger } from '../../telemetry/log.ts';
import type { GroupSettings } from '../subscription.ts';
import { InvalidPayload } from './attempt.ts';
import type { InHand } from './message.ts';
import { type AfterFailure, afterFailure, waitAfterFailure } from './retry-policy.ts';

export class Failures {
  readonly #settings: GroupSettings;
  readonly #log: Logger;
  readonly #random: () => number;

  constructor(settings: GroupSettings, log: Logger, random: () => number = Math.random) {
    this.#settings = settings;
    this.#log = log;
    this.#random = random;
  }

  /** Decides, and says so in the log. A dead letter has yet to be written. */
  decide(message: InHand, error: unknown): AfterFailure {
    const next = this.#decide(message, error);
    if (next.kind === 'retry') {
      const { group } = this.#settings;
      const { type, id, attempt } = message;
      const fields = { event: type, id, group, attempt, again_ms: Math.round(next.delayMs), error };
      if (attempt > 1) this.#log.warn('a message could not be handled again', fields);
      else this.#log.info('a message could not be handled', fields);
    }
    return next;
  }

  #decide(message: InHand, error: unknown): AfterFailure {
    const { retry, exhausted } = this.#settings;
    const next: AfterFailure =
      error instanceof InvalidPayload
        ? { kind: 'dead-letter', reason: 'invalid' }
        : afterFailure(retry, error, message.attempt, this.#random());
    if (next.kind === 'retry' || exhausted === 'dead-letter') return next;
    return { kind: 'retry', delayMs: waitAfterFailure(retry, error, message.attempt, this.#random()) };
  }
}
