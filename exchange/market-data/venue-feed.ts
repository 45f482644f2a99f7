/**
 * Following the market of the other venue, as `feeds` plays it: every event once and in order, on disk before anybody sees
 * it. Where events are missing, because they were not kept for so long, `feeds` gives what stands in for them.
 */
import type { Feeds, VenueEvent } from '@exchange/feeds';
import type { InstrumentUnits } from '@exchange/reference/units';
import { type Client, type Database, type Logger, platformError } from 'flotilla';
import type { MarketStore } from './market-store.ts';
import type { MarketUpdate } from './market-update.ts';
import { VenuePosition } from './venue-position.ts';
import { replacesBook, updateOf } from './venue-source.ts';

export interface VenueFeedOptions {
  /** A client of `feeds` that no call's deadline limits: that of the service's runtime. */
  readonly client: Pick<Client<typeof Feeds>, 'venue'>;
  readonly database: Database;
  readonly store: MarketStore;
  /** Of a symbol; undefined while the catalogue does not list it. */
  readonly units: (symbol: string) => InstrumentUnits | undefined;
  /** Called in order with every update that is on disk. */
  readonly show: (update: MarketUpdate) => void;
  readonly log: Logger;
}

const askMs = 5_000;

export class VenueFeed {
  readonly #options: VenueFeedOptions;
  readonly #position: VenuePosition;
  #asking: Promise<void> | undefined;

  constructor(options: VenueFeedOptions) {
    this.#options = options;
    this.#position = new VenuePosition(options.database);
  }

  /**
   * Takes an event. Inside a transaction.
   *
   * @throws FlotillaError `unavailable` when it cannot be taken yet: it has to be given again.
   */
  follow(event: VenueEvent): void {
    const place = this.#position.placeOf(event);
    if (place === 'stored') return;
    if (place === 'beyond' && !replacesBook(event)) {
      this.#asking ??= this.#standIn(event).finally(() => {
        this.#asking = undefined;
      });
      throw platformError(
        'unavailable',
        `events of ${event.symbol} before ${event.run}/${event.sequence} are missing: feeds is asked for the market as it is`,
      );
    }
    this.#apply(event);
  }

  /** Resolves once nothing is under way. */
  async settled(): Promise<void> {
    await this.#asking;
  }

  /** Puts the market as it is in the place of what is missing before `event`. Never rejects. */
  async #standIn(event: VenueEvent): Promise<void> {
    const { client, database, log } = this.#options;
    const { symbol, run, sequence, time } = event;
    try {
      const present = await client.venue({}, { deadlineMs: askMs });
      // Where nothing is played any more, nobody will ever know.
      const standIn = present ?? { kind: 'gap', symbol, run, sequence, time };
      await database.write(() => {
        if (this.#position.placeOf(standIn) !== 'stored') this.#apply(standIn);
      });
      log.warn("events of the other venue's market were lost", { symbol, before: { run, sequence } });
    } catch (error) {
      log.debug("the other venue's market cannot be asked for yet", { symbol, error });
    }
  }

  #apply(event: VenueEvent): void {
    const { database, store, show } = this.#options;
    const { symbol } = event;
    const units = this.#options.units(symbol);
    // Feeds lists its market before it plays; this process may hear of that a little later.
    if (!units) throw platformError('unavailable', `${symbol} is not in the catalogue yet`);
    // The same recording from its beginning: what happened in it happens again, and is not to count twice.
    if (this.#position.advance(event)) store.forgetPast(symbol);
    const update = updateOf(event, store.stored(symbol), units);
    if (!update) return;
    store.write([update]);
    database.afterCommit(() => show(update));
  }
}
