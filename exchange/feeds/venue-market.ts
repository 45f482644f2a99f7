/**
 * The market of another venue, played from a recording: to everybody as events, to the participants as a mid price.
 *
 * An event is said in the transaction that stores how far the replay is: a restart goes on with the next one.
 */
import type { Logger } from 'flotilla';
import type { VenueEvent } from './contract.ts';
import type { Progress, ReplayPosition } from './replay-position.ts';
import { type MarketEvent, RecordingError, Replay, type ReplayClock, systemClock } from './venue/index.ts';
import { middle, played, venueEvent, venueInstrument, venueLevels, venueScale } from './venue-event.ts';

/** Events on their way to disk before the replay waits. */
const mostPending = 256;

export type ReplayState = 'playing' | 'gap' | 'ended' | 'damaged';

export interface VenueMarketOptions {
  readonly file: string;
  readonly position: ReplayPosition;
  /** Publishes an event in one transaction with what `alongside` writes. */
  readonly say: (event: VenueEvent, alongside: () => void) => Promise<void>;
  /** Recorded seconds in one; see Replay. */
  readonly speed: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Default the real one. */
  readonly clock?: ReplayClock;
}

export class VenueMarket {
  readonly #options: VenueMarketOptions;
  readonly #replay: Replay;
  /** The last event before this process. */
  readonly #start: number;
  #latest: number;
  #ending: 'ended' | 'damaged' | undefined;
  #reason: string | undefined;
  #gaps: number;
  #pending = 0;
  #said: Promise<void> = Promise.resolve();
  #failure: unknown;

  constructor(options: VenueMarketOptions) {
    const { file, speed, signal, position, clock = systemClock } = options;
    const { sequence, gaps } = position.start;
    this.#options = options;
    this.#start = sequence;
    this.#latest = sequence;
    this.#gaps = gaps;
    this.#replay = new Replay(file, { ...venueScale, clock, speed, after: sequence, signal });
  }

  get status() {
    return {
      symbol: venueInstrument.symbol,
      state: this.#state,
      ...this.#progress,
      ...(this.#reason === undefined ? {} : { reason: this.#reason }),
    };
  }

  /** The middle of the best bid and ask, as a price; undefined while the book is unknown, and after the end. */
  get mid(): string | undefined {
    if (this.#state !== 'playing' || !this.#isCurrent) return undefined;
    const { bids, asks } = this.#replay.levels(1);
    const bid = bids[0]?.[0];
    const ask = asks[0]?.[0];
    return bid === undefined || ask === undefined ? undefined : middle(bid, ask);
  }

  /**
   * What stands in for all events up to the latest: the whole book, or a gap where it is unknown. Undefined while nothing was
   * said, and while a restart has not come there yet.
   */
  get present(): VenueEvent | undefined {
    const { status, time = Date.now() } = this.#replay.position;
    const numbers = played(this.#options.position.run, this.#latest, time);
    if (this.#ending === 'damaged') return { kind: 'gap', ...numbers };
    if (this.#latest === 0 || !this.#isCurrent) return undefined;
    if (status === 'stale' || status === 'waiting') return { kind: 'gap', ...numbers };
    const { bids, asks } = this.#replay.levels();
    return { kind: 'snapshot', ...numbers, levels: venueLevels(bids, asks) };
  }

  /** Plays until the end, the first damage, or the signal. Rejects when an event could not be said. */
  async play(): Promise<void> {
    const { file, log, position, signal } = this.#options;
    log.info('playing a recording', { file, run: position.run, after: this.#start });
    try {
      for await (const event of this.#replay.events()) {
        this.#take(event);
        if (this.#pending >= mostPending) await this.#said;
        if (this.#failure !== undefined) break;
      }
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.#breakOff(error);
    }
    await this.#said;
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ending === undefined && !signal.aborted) {
      this.#ending = 'ended';
      log.info('the recording has ended', { file, events: this.#latest });
      await position.end(this.#progress);
    }
  }

  get #state(): ReplayState {
    if (this.#ending) return this.#ending;
    return this.#isCurrent && this.#replay.position.status === 'stale' ? 'gap' : 'playing';
  }

  /** Whether the book of the replay is that after the latest event: not while it passes over what was played before. */
  get #isCurrent(): boolean {
    return this.#replay.position.sequence === this.#latest;
  }

  get #progress(): Progress {
    return { sequence: this.#latest, gaps: this.#gaps };
  }

  #take(event: MarketEvent): void {
    if (event.kind === 'gap') {
      this.#gaps += 1;
      this.#options.log.warn('the recording has a gap: the book is unknown until the next snapshot', {
        expected: event.expectedId,
        received: event.receivedId,
      });
    }
    this.#say(venueEvent(this.#options.position.run, event));
  }

  #say(event: VenueEvent): void {
    const { say, position } = this.#options;
    this.#latest = event.sequence;
    this.#pending += 1;
    const progress = this.#progress;
    const ended = this.#ending !== undefined;
    this.#said = say(event, () => position.write(progress, ended)).then(
      () => {
        this.#pending -= 1;
      },
      (error) => {
        this.#failure ??= error;
      },
    );
  }

  /** After damage the book is unknown for good: one more event says so, and ends the run. */
  #breakOff(error: RecordingError): void {
    const { file, log, position } = this.#options;
    const { line, message } = error;
    this.#ending = 'damaged';
    this.#reason = message;
    log.error(`the recording is damaged: ${message}`, { file, line });
    const time = this.#replay.position.time ?? Date.now();
    this.#say({ kind: 'gap', ...played(position.run, this.#latest + 1, time) });
  }
}
