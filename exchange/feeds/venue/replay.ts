/**
 * Plays a recording as a market: its own gapless sequence of events, at the pace at which they were received.
 *
 * Sequence and content of every event follow from the file (and the scale it is read with) alone, never from the
 * clock, the speed or where a replay began. So a process that restarts continues with the very event it would have
 * sent next.
 */

import type { Level, VenueMessage } from './message.ts';
import { type RecordingOptions, readRecording } from './recording.ts';
import { type BookOutput, type BookStatus, VenueBook, type VenueBookOptions } from './venue-book.ts';

interface Sequenced {
  /** From 1, without gaps. */
  readonly sequence: number;
  /** When the recorder received what caused the event, milliseconds since the epoch. */
  readonly time: number;
}

/** The book as a whole, in place of whatever was before: at the start, and when it is whole again after a gap. */
export interface SnapshotEvent extends Sequenced {
  readonly kind: 'snapshot';
  /** `partial`: the recording gave no snapshot yet, see VenueBook. */
  readonly status: 'partial' | 'whole';
  readonly updateId: number;
  /** Best first. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** Levels that changed, with their quantity after the change; 0 for a level that is gone. Never empty. */
export interface BookEvent extends Sequenced {
  readonly kind: 'book';
  readonly updateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

export interface TradeEvent extends Sequenced {
  readonly kind: 'trade';
  readonly id: number;
  readonly price: number;
  readonly quantity: number;
  /** The side that took. */
  readonly side: 'buy' | 'sell';
  /** When the venue says that it happened, milliseconds since the epoch. */
  readonly tradeTime: number;
}

/** The recording lost updates: the book is stale, and not to be traded on, until the next snapshot event. */
export interface GapEvent extends Sequenced {
  readonly kind: 'gap';
  readonly expectedId: number;
  readonly receivedId: number;
}

export type MarketEvent = SnapshotEvent | BookEvent | TradeEvent | GapEvent;

/** Time, from outside: the real one in a service, a virtual one in tests. */
export interface ReplayClock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  /** Resolves after `ms`, or at once when `signal` aborts; never rejects. */
  sleep(ms: number, signal: AbortSignal | undefined): Promise<void>;
}

export interface ReplayOptions extends RecordingOptions, VenueBookOptions {
  readonly clock: ReplayClock;
  /** How many recorded seconds pass in one. Default 1; `Infinity` does not wait at all. */
  readonly speed?: number;
  /** The last sequence that is already out: the replay continues with the next, without waiting for the past. Default 0. */
  readonly after?: number;
}

/** The state of a replay, to answer a reader who asks for the book in between. */
export interface ReplayPosition {
  /** Sequence of the last event, given out or skipped; 0 before the first. */
  readonly sequence: number;
  /** Time of that event; undefined before the first. */
  readonly time: number | undefined;
  readonly status: BookStatus;
  readonly updateId: number;
}

export class Replay {
  readonly #file: string;
  readonly #options: ReplayOptions;
  readonly #book: VenueBook;
  #sequence = 0;
  #time: number | undefined;
  #started = false;

  constructor(file: string, options: ReplayOptions) {
    const { speed = 1, after = 0 } = options;
    if (!(speed > 0)) throw new RangeError(`speed is ${speed}: give a number above 0, or Infinity`);
    if (!Number.isSafeInteger(after) || after < 0) {
      throw new RangeError(`after is ${after}: give the last sequence that is out, or 0`);
    }
    this.#file = file;
    this.#options = options;
    this.#book = new VenueBook(options);
  }

  get position(): ReplayPosition {
    const { status, updateId } = this.#book;
    return { sequence: this.#sequence, time: this.#time, status, updateId };
  }

  /** The best levels of the book as of {@link position}, all of them by default. */
  levels(depth?: number): { readonly bids: Level[]; readonly asks: Level[] } {
    return { bids: this.#book.bids.levels(depth), asks: this.#book.asks.levels(depth) };
  }

  /**
   * The events, each when it is due. Ends with the recording or, without an error, on abort. Throws a RecordingError
   * where the recording is damaged, after all events before that. To be called once.
   */
  async *events(): AsyncGenerator<MarketEvent, void> {
    if (this.#started) throw new RangeError('a replay runs once: make another one');
    this.#started = true;
    const { clock, signal, speed = 1, after = 0 } = this.#options;
    let begin: { readonly wall: number; readonly recorded: number } | undefined;
    let recorded = 0;
    for await (const message of readRecording(this.#file, this.#options)) {
      // The message before the first event to give out sets the pace, so that a restart goes on where it was.
      if (this.#sequence >= after)
        begin ??= { wall: clock.now(), recorded: recorded || milliseconds(message) };
      recorded = milliseconds(message);
      if (begin) {
        const due = begin.wall + (recorded - begin.recorded) / speed;
        const wait = due - clock.now();
        if (wait > 0) await clock.sleep(wait, signal);
        if (signal?.aborted) return;
      }
      for (const event of this.#take(message, Math.floor(recorded))) {
        if (event.sequence > after) yield event;
        if (signal?.aborted) return;
      }
    }
  }

  #take(message: VenueMessage, time: number): MarketEvent[] {
    if (message.kind === 'trade') {
      const { id, price, quantity, side } = message;
      return [
        {
          ...this.#next(time),
          kind: 'trade',
          id,
          price,
          quantity,
          side,
          tradeTime: message.time,
        },
      ];
    }
    const events: MarketEvent[] = [];
    for (const output of this.#book.apply(message)) {
      const event = this.#eventOf(output, time);
      if (event) events.push(event);
    }
    return events;
  }

  #eventOf(output: BookOutput, time: number): MarketEvent | undefined {
    if (output.kind === 'changed') {
      const { updateId, bids, asks } = output;
      if (bids.length === 0 && asks.length === 0) return undefined;
      return { ...this.#next(time), kind: 'book', updateId, bids, asks };
    }
    if (output.kind === 'synchronised') {
      const status = this.#book.status === 'whole' ? 'whole' : 'partial';
      const { bids, asks } = this.levels();
      return { ...this.#next(time), kind: 'snapshot', status, updateId: output.updateId, bids, asks };
    }
    if (output.kind === 'gap') {
      const { expectedId, receivedId } = output;
      return { ...this.#next(time), kind: 'gap', expectedId, receivedId };
    }
    return undefined;
  }

  #next(time: number): Sequenced {
    this.#time = time;
    return { sequence: ++this.#sequence, time };
  }
}

function milliseconds(message: VenueMessage): number {
  return Number(message.receivedNs / 1_000n) / 1_000;
}
