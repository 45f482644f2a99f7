/**
 * Numbers of the publisher's own that rise with every message, such as the sequence of its log. By them a group knows what it
 * has handled whatever became of the stream: made anew, set back to a backup, published again.
 */
import { FlotillaError } from '../../errors/flotilla-error.ts';
import type { Database } from '../../store/database.ts';

export interface PositionOptions<P = unknown> {
  /** That of a message. */
  readonly position: (payload: P) => number;
  /** Whether they rise by one: then a message that is not the next one is not handled. */
  readonly gapless: boolean;
  /** Of what was handled before there was the group; undefined: nothing. */
  readonly handledUpTo: ((database: Database) => number) | undefined;
}

/** Before the first message. */
export const noPosition = -1;

/** A message has come before those that it follows. Nobody but the publisher can help, so it is waited for. */
export class PositionGap extends FlotillaError<'unavailable'> {
  constructor(event: string, position: number, last: number) {
    super(
      'unavailable',
      `${event} ${position} does not follow ${last}, the last one that was handled: what is between is not in the stream. ` +
        'If its publisher has a log of its own, remove the stream: it is published anew. Else restore the stream, or the database of this service',
    );
  }
}

export class Positions {
  readonly #options: PositionOptions;

  constructor(options: PositionOptions) {
    this.#options = options;
  }

  /** Whether they rise by one. */
  get gapless(): boolean {
    return this.#options.gapless;
  }

  of(payload: unknown): number {
    return this.#options.position(payload);
  }

  /** Where a group begins that has handled nothing. */
  before(database: Database): number {
    return this.#options.handledUpTo?.(database) ?? noPosition;
  }

  /**
   * Whether a message was handled already.
   *
   * @param last position that was handled; {@link noPosition}: not known, so that any message is the next one.
   * @throws PositionGap
   */
  isRepetition(event: string, position: number, last: number): boolean {
    if (position <= last) return true;
    if (this.gapless && last !== noPosition && position !== last + 1) {
      throw new PositionGap(event, position, last);
    }
    return false;
  }
}
