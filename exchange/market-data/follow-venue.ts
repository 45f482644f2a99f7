/**
 * Following the market of the other venue, as `feeds` plays it, for ever: every event once and in order, on disk before
 * anybody sees it. Events that arrive together go to disk together.
 */
import type { Feeds, VenueEvent } from '@exchange/feeds';
import { reconnecting } from '@exchange/reference/reconnect';
import type { InstrumentUnits } from '@exchange/reference/units';
import { type Client, type Logger, platformError } from 'flotilla';
import type { Market } from './market.ts';
import type { MarketStore } from './market-store.ts';
import type { MarketUpdate } from './market-update.ts';
import type { VenuePosition } from './venue-position.ts';
import { replacesBook, updateOf } from './venue-source.ts';

export interface FollowVenueOptions {
  /** A client of `feeds` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Feeds>, 'venue'>;
  readonly store: MarketStore;
  readonly position: VenuePosition;
  /** The market of a symbol; undefined while the catalogue does not list it. */
  readonly market: (
    symbol: string,
  ) => { readonly market: Market; readonly units: InstrumentUnits } | undefined;
  /** Called in order with every update that is on disk. */
  readonly show: (update: MarketUpdate) => void;
  readonly log: Logger;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** Events under way to disk before the stream is made to wait. */
const mostPending = 256;

/** Resolves after `signal` has aborted and nothing is under way to disk. */
export function followVenue(options: FollowVenueOptions): Promise<void> {
  const { log, position, signal } = options;
  return reconnecting((healthy) => new Attempt(options).run(healthy), {
    signal,
    onAway: (error) => {
      const after = position.current;
      // Most fleets play no recording: then nothing is missed while feeds, the last to start, is not there.
      if (after === undefined) log.debug('no recording of another venue is played', { error });
      else log.warn("the other venue's market is away", { after, error });
    },
    onBack: () => log.info("following the other venue's market", { after: position.current }),
  });
}

/** One connection: from the position on disk until something fails. */
class Attempt {
  readonly #options: FollowVenueOptions;
  readonly #failed = new AbortController();
  /** Public sequences given to updates that are not shown yet. */
  #ahead = 0;
  #pending = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: FollowVenueOptions) {
    this.#options = options;
  }

  async run(healthy: () => void): Promise<void> {
    const { client, position, signal } = this.#options;
    const ended = AbortSignal.any([signal, this.#failed.signal]);
    try {
      for await (const event of client.venue({ after: position.current }, { signal: ended })) {
        // What replaces the book becomes the difference to it, as it is when all before is in.
        if (replacesBook(event) || this.#pending >= mostPending) await this.#last;
        if (this.#failed.signal.aborted) break;
        this.#take(event);
        healthy();
      }
    } finally {
      await this.#last;
    }
    if (this.#failed.signal.aborted) throw this.#failed.signal.reason;
  }

  #take(event: VenueEvent): void {
    const { symbol } = event;
    const listed = this.#options.market(symbol);
    // Feeds lists its market before it publishes; this process may hear of that a little later.
    if (!listed) throw platformError('unavailable', `${symbol} is not in the catalogue yet`);
    const { market, units } = listed;
    const update = updateOf(event, market, market.sequence + this.#ahead + 1, units);
    if (update) this.#ahead += 1;
    this.#pending += 1;
    this.#last = this.#store(event, update);
  }

  /** Never rejects. Commits are in order, and one that fails makes those behind it fail as well. */
  async #store(event: VenueEvent, update: MarketUpdate | undefined): Promise<void> {
    const { store, position, show } = this.#options;
    try {
      await store.save(update ? [update] : [], () => {
        // The same recording from its beginning: what happened in it happens again, and is not to count twice.
        if (position.advance(event)) store.forgetPast(event.symbol);
      });
      if (update) {
        this.#ahead -= 1;
        show(update);
      }
    } catch (error) {
      this.#failed.abort(error);
    } finally {
      this.#pending -= 1;
    }
  }
}
