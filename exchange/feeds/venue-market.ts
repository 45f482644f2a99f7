/**
 * The market of another venue, played from a recording: to subscribers as events, to the participants as a mid price.
 *
 * Where the replay is, is stored now and then. A restart goes on from there with the very events that it played before
 * (see Replay): a subscriber that has them waits until the replay is where it was, and for one that lacks some the
 * latest before that are there again as well.
 */
import type { Logger } from 'flotilla';
import type { VenueEvent } from './contract.ts';
import { LiveSequence } from './live-sequence.ts';
import type { ReplayPosition } from './replay-position.ts';
import { type MarketEvent, RecordingError, Replay, type ReplayClock, systemClock } from './venue/index.ts';
import { middle, played, venueEvent, venueInstrument, venueLevels, venueScale } from './venue-event.ts';

/** Events kept for subscribers that come back: half a minute of a busy market. */
const keptEvents = 4_096;
const saveEveryMs = 1_000;

export type ReplayState = 'playing' | 'gap' | 'ended' | 'damaged';

export interface VenueMarketOptions {
  readonly file: string;
  readonly position: ReplayPosition;
  /** Recorded seconds in one; see Replay. */
  readonly speed: number;
  readonly log: Logger;
  readonly signal: AbortSignal;
  /** Default the real one. */
  readonly clock?: ReplayClock;
}

/** Where a subscriber is. */
interface Position {
  readonly run: number;
  readonly sequence: number;
}

export class VenueMarket {
  readonly #options: VenueMarketOptions;
  readonly #clock: ReplayClock;
  readonly #replay: Replay;
  readonly #run: number;
  /** The last event before this process. */
  readonly #start: number;
  readonly #recent: LiveSequence<VenueEvent>;
  #ending: 'ended' | 'damaged' | undefined;
  #reason: string | undefined;
  #gaps: number;
  #savedAt: number;

  constructor(options: VenueMarketOptions) {
    const { file, speed, signal, position, clock = systemClock } = options;
    const { sequence, gaps } = position.start;
    this.#options = options;
    this.#clock = clock;
    this.#run = position.run;
    this.#start = sequence;
    this.#recent = new LiveSequence(Math.max(0, sequence - keptEvents), keptEvents);
    this.#gaps = gaps;
    this.#savedAt = clock.now();
    const pace = { clock, speed, after: sequence, recall: keptEvents };
    this.#replay = new Replay(file, { ...venueScale, ...pace, signal });
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

  /** Plays until the end, the first damage, or the signal. */
  async play(): Promise<void> {
    const { file, log, position, signal } = this.#options;
    log.info('playing a recording', { file, run: this.#run, after: this.#start });
    try {
      for await (const event of this.#replay.events()) this.#publish(event);
    } catch (error) {
      if (!(error instanceof RecordingError)) throw error;
      this.#breakOff(error);
    }
    if (this.#ending === undefined && !signal.aborted) {
      this.#ending = 'ended';
      log.info('the recording has ended', { file, events: this.#recent.latest });
    }
    this.#recent.wake();
    await (this.#ending ? position.end(this.#progress) : position.save(this.#progress));
  }

  /**
   * Events after a position, until `signal`; where that is of another run, or long ago, a snapshot and what follows it.
   * While the book is unknown a gap event takes the place of the snapshot.
   */
  async *events(after: Position | undefined, signal: AbortSignal): AsyncGenerator<VenueEvent, void> {
    const recent = this.#recent;
    const stop = (): void => recent.wake();
    signal.addEventListener('abort', stop, { once: true });
    try {
      let next = after?.run === this.#run ? after.sequence + 1 : 0;
      while (!signal.aborted) {
        // Ahead of the end is who saw more of a file that can no longer be read.
        const lost = next < recent.oldest || (this.#ending !== undefined && next > recent.latest + 1);
        const event = lost ? this.#present() : recent.at(next);
        if (event === undefined) {
          await recent.changed();
        } else {
          next = event.sequence + 1;
          yield event;
        }
      }
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  get #state(): ReplayState {
    if (this.#ending) return this.#ending;
    return this.#isCurrent && this.#replay.position.status === 'stale' ? 'gap' : 'playing';
  }

  /** Whether the book of the replay is that after the latest event: not while it passes over what was played before. */
  get #isCurrent(): boolean {
    const { latest } = this.#recent;
    return latest >= this.#start && this.#replay.position.sequence === latest;
  }

  get #progress() {
    return { sequence: Math.max(this.#start, this.#recent.latest), gaps: this.#gaps };
  }

  /** The market as it is after the latest event; undefined while there is none or the replay has not come there yet. */
  #present(): VenueEvent | undefined {
    const { latest } = this.#recent;
    if (this.#ending === 'damaged') return this.#recent.at(latest);
    const { status, time } = this.#replay.position;
    if (time === undefined || !this.#isCurrent) return undefined;
    const numbers = played(this.#run, latest, time);
    if (status === 'stale' || status === 'waiting') return { kind: 'gap', ...numbers };
    const { bids, asks } = this.#replay.levels();
    return { kind: 'snapshot', ...numbers, levels: venueLevels(bids, asks) };
  }

  #publish(event: MarketEvent): void {
    const isNew = event.sequence > this.#start;
    if (event.kind === 'gap' && isNew) {
      this.#gaps += 1;
      this.#options.log.warn('the recording has a gap: the book is unknown until the next snapshot', {
        expected: event.expectedId,
        received: event.receivedId,
      });
    }
    this.#recent.append(venueEvent(this.#run, event));
    const now = this.#clock.now();
    if (isNew && now - this.#savedAt >= saveEveryMs) {
      this.#savedAt = now;
      this.#save();
    }
  }

  /** After damage the book is unknown for good: one more event says so, the same one whenever the damage is met. */
  #breakOff(error: RecordingError): void {
    const { file, log } = this.#options;
    const { line, message } = error;
    this.#ending = 'damaged';
    this.#reason = message;
    log.error(`the recording is damaged: ${message}`, { file, line });
    // Never stored without the end of the run (see play), so that no start goes on behind it.
    const time = this.#replay.position.time ?? Date.now();
    this.#recent.append({ kind: 'gap', ...played(this.#run, this.#recent.latest + 1, time) });
  }

  #save(): void {
    const { position, log } = this.#options;
    position.save(this.#progress).catch((error) => {
      log.error('the position of the replay could not be stored', { error });
    });
  }
}
