/** The simulated participants together: hands the engine's log on to them, and lets them act. */
import { Identity } from '@exchange/identity';
import { type EngineEvent, type LogEntry, Matching } from '@exchange/matching';
import { type Catalogue, Reference } from '@exchange/reference';
import { type InstrumentUnits, instrumentUnits, parseDecimal } from '@exchange/reference/units';
import { Risk } from '@exchange/risk';
import { type Clients, type Logger, platformError } from 'flotilla';
import { orderSize } from './order-size.ts';
import { type Standing, takeSeats } from './participant-accounts.ts';
import { type CrowdMarket, createCrowd, leastAnchor } from './participants/index.ts';
import { TradedMarket } from './traded-market.ts';
import { type Tally, Trader } from './trader.ts';

export const uses = { Identity, Matching, Reference, Risk };

/** How often participants are asked for a decision. */
const tickMs = 100;

export interface TradingFloorOptions {
  readonly clients: Clients<typeof uses>;
  readonly catalogue: Catalogue;
  /** Differs at each start of the process. */
  readonly epoch: string;
  readonly seed: string;
  readonly actionsPerSecond: number;
  /** Mid price of the other venue, for the market in BTC against dollars. */
  readonly externalMid: () => string | undefined;
  /** While it says so, nobody is asked for a decision. */
  readonly paused: () => boolean;
  readonly log: Logger;
  readonly signal: AbortSignal;
}

interface FloorMarket {
  readonly units: InstrumentUnits;
  readonly reference: CrowdMarket['reference'];
  readonly book: TradedMarket;
  readonly traders: readonly Trader[];
}

/** The market whose makers quote around the other venue's price. */
const pegged = 'BTC-USD';

export class TradingFloor {
  readonly tally: Tally = { submitted: 0, rejected: 0 };
  readonly #options: TradingFloorOptions;
  readonly #markets: ReadonlyMap<string, FloorMarket>;
  readonly #traderOf: ReadonlyMap<string, Trader>;
  /** The last entry of the log that is known here. */
  #sequence: number;

  /** Opens the accounts and begins to trade. Fails when a service that it needs is away. */
  static async open(options: TradingFloorOptions): Promise<TradingFloor> {
    const units = tradableUnits(options);
    const crowd = crowdOf(options, units);
    const seats = crowd.flatMap(({ symbol, participants }) =>
      participants.map(({ name }) => ({ name, units: units.get(symbol)! })),
    );
    const standing = await takeSeats(options.clients, seats);
    const markets = crowd.map((market) => floorMarket(options, market, units.get(market.symbol)!, standing));
    return new TradingFloor(options, markets, standing.sequence);
  }

  private constructor(options: TradingFloorOptions, markets: readonly FloorMarket[], after: number) {
    const { signal } = options;
    this.#options = options;
    this.#sequence = after;
    this.#markets = new Map(markets.map((market) => [market.units.symbol, market]));
    const traders = markets.flatMap((market) => market.traders);
    this.#traderOf = new Map(traders.map((trader) => [trader.account, trader]));
    if (signal.aborted) return;
    const timer = setInterval(() => this.#tick(), tickMs);
    signal.addEventListener('abort', () => clearInterval(timer), { once: true });
    this.#tick();
  }

  /**
   * Takes the next entry of the log; nothing happens with one that is known.
   *
   * @throws FlotillaError `internal` when one is missing: what the participants have is then not known any more.
   */
  observe({ sequence, events }: LogEntry): void {
    if (sequence <= this.#sequence) return;
    if (sequence !== this.#sequence + 1) {
      throw platformError('internal', `entry ${sequence} of the log does not follow ${this.#sequence}`);
    }
    this.#sequence = sequence;
    for (const event of events) {
      if (event.kind === 'book') this.#markets.get(event.symbol)?.book.apply(event);
      else this.#traderOf.get(accountOf(event) ?? '')?.observe(event);
    }
  }

  #tick(): void {
    const { paused, externalMid } = this.#options;
    if (paused()) return;
    const now = performance.now();
    for (const [symbol, { units, reference, book, traders }] of this.#markets) {
      const mid = symbol === pegged ? externalMid() : undefined;
      if (mid !== undefined) reference.follow(wholeTicks(units, mid), now);
      const price = reference.at(now);
      for (const trader of traders) trader.act(now, price, book, this.tally);
    }
  }
}

/** The open instruments that participants can trade. */
function tradableUnits({ catalogue, log }: TradingFloorOptions): ReadonlyMap<string, InstrumentUnits> {
  const tradable = new Map<string, InstrumentUnits>();
  for (const instrument of catalogue.instruments) {
    if (instrument.status !== 'open') continue;
    const { symbol, referencePrice } = instrument;
    const units = instrumentUnits(instrument, catalogue.assets);
    if (wholeTicks(units, referencePrice) >= leastAnchor) tradable.set(symbol, units);
    else log.warn('participants need a finer tick to trade in a market', { symbol, referencePrice });
  }
  return tradable;
}

function crowdOf(
  { catalogue, seed, epoch, actionsPerSecond }: TradingFloorOptions,
  units: ReadonlyMap<string, InstrumentUnits>,
): CrowdMarket[] {
  const symbols = catalogue.instruments
    .filter(({ symbol }) => units.has(symbol))
    .map(({ symbol, referencePrice }) => {
      const market = units.get(symbol)!;
      const anchor = wholeTicks(market, referencePrice);
      return { symbol, anchor, size: orderSize(market, anchor) };
    });
  return createCrowd({ symbols, seed, epoch, actionsPerSecond });
}

function floorMarket(
  options: TradingFloorOptions,
  { symbol, reference, participants }: CrowdMarket,
  units: InstrumentUnits,
  { holdings, depths }: Standing,
): FloorMarket {
  const book = new TradedMarket(depths.get(symbol));
  const { middle } = book;
  // After a restart the price goes on from where it was.
  if (middle !== undefined) reference.follow(middle, performance.now());
  const { clients, epoch, log, signal } = options;
  const traders = participants.map((participant) => {
    const holding = holdings.get(participant.name)!;
    return new Trader({ ...holding, participant, epoch, units, clients, log, signal });
  });
  return { units, reference, book, traders };
}

function accountOf(event: EngineEvent): string | undefined {
  if (event.kind === 'accepted') return event.order.account;
  return event.kind === 'filled' || event.kind === 'cancelled' ? event.account : undefined;
}

/** A price in ticks, rounded down: that of another venue may be finer than ours. */
function wholeTicks(units: InstrumentUnits, price: string): number {
  return Number(
    parseDecimal(price, mostDecimals) / (units.tick * 10n ** BigInt(mostDecimals - units.priceDecimals)),
  );
}

/** No asset has more, so that no tick has. */
const mostDecimals = 18;
