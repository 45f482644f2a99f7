/**
 * What a caller is told whose call was not admitted. Under overload there are many of these, so there is one error per
 * reason and wait, frozen: the wire encodes it once.
 */
import { type FlotillaError, platformError } from '../errors/flotilla-error.ts';
import type { ExecutionData } from '../rpc/channel.ts';
import type { Refusal } from './admission-queue.ts';

/** `data` of a refusal. The call has not begun, so that anyone may repeat it. */
export interface RefusalData extends ExecutionData {
  readonly executed: 'no';
  readonly reason: Refusal;
  /** Milliseconds after which there may be room. */
  readonly retryAfterMs: number;
}

/** Waits that are told, in milliseconds. */
const waits = [25, 50, 100, 200, 500, 1000];

const because: Readonly<Record<Refusal, string>> = {
  queue_full: 'as many calls wait as may',
  too_long: 'it would have waited too long',
  displaced: 'a call of higher priority took its place',
  waited: 'it has waited as long as it may',
  stopping: 'it is stopping',
};

export class RefusalErrors {
  readonly #instance: string;
  /** By reason, and by wait in the order of `waits`. */
  readonly #errors: Readonly<Record<Refusal, (FlotillaError | undefined)[]>> = {
    queue_full: [],
    too_long: [],
    displaced: [],
    waited: [],
    stopping: [],
  };

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** @param expectedMs how long a call would wait now */
  error(reason: Refusal, expectedMs: number): FlotillaError {
    let index = 0;
    while (index < waits.length - 1 && waits[index]! < expectedMs) index++;
    const errors = this.#errors[reason];
    const error = errors[index] ?? this.#make(reason, waits[index]!);
    errors[index] = error;
    return error;
  }

  #make(reason: Refusal, retryAfterMs: number): FlotillaError {
    const data: RefusalData = { executed: 'no', reason, retryAfterMs };
    if (reason === 'stopping') {
      return Object.freeze(platformError('unavailable', `${this.#instance} is stopping`, { data }));
    }
    const message = `${this.#instance} is overloaded and has not begun the call: ${because[reason]}. Try again in ${retryAfterMs} ms or later`;
    return Object.freeze(platformError('overloaded', message, { data, retryAfterMs }));
  }
}
