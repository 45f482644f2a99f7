/** The simulated participants together: opens their accounts, follows the engine's log for them, lets them act. */
import { Identity } from '@exchange/identity';
import { type EngineEvent, type LogEntry, Matching } from '@exchange/matching';
import { followLog } from '@exchange/matching/follow';
import { type Catalogue, Reference } from '@exchange/reference';
import {
  formatTrimmed,
  type InstrumentUnits,
  instrumentUnits,
  lotsToBase,
  parseDecimal,
  priceToTicks,
} from '@exchange/reference/units';
import { Risk } from '@exchange/risk';
import type { Clients, Logger } from 'flotilla';
import { type CrowdMarket, createCrowd } from './participants/index.ts';
import { TradedMarket } from './traded-market.ts';
import { type Tally, Trader } from './trader.ts';

export const uses = { Identity, Matching, Reference, Risk };

/** How often participants are asked for a decision. */
const tickMs = 100;
const quoteFunding = '50000000';
const baseFundingLots = 1_000_000;

export interface TradingFloorOptions {
  readonly clients: Clients<typeof uses>;
  readonly catalogue: Catalogue;
  /** Differs at each start of the process. */
  readonly epoch: string;
  readonly seed: string;
  readonly actionsPerSecond: number;
  /** Mid price of the other venue, for the market in BTC against dollars. */
  readonly externalMid: () => string | undefined;
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
  readonly #markets: ReadonlyMap<string, FloorMarket>;
  readonly #traderOf: ReadonlyMap<string, Trader>;
  readonly #externalMid: () => string | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #following: Promise<void>;
  #paused = false;

  /** Opens the accounts and begins to trade. Fails when a service that it needs is away. */
  static async open(options: TradingFloorOptions): Promise<TradingFloor> {
    const { clients, catalogue, epoch, seed, actionsPerSecond } = options;
    const open = catalogue.instruments.filter(({ status }) => status === 'open');
    const units = new Map(
      open.map((instrument) => [instrument.symbol, instrumentUnits(instrument, catalogue.assets)]),
    );
    const crowd = createCrowd({
      symbols: open.map(({ symbol, referencePrice }) => ({
        symbol,
        anchor: priceToTicks(units.get(symbol)!, referencePrice),
      })),
      seed,
      epoch,
      actionsPerSecond,
    });
    const accounts = await openAccounts(clients, crowd, units);
    const { sequence, orders, depth } = await clients.Matching.audit();
    const depths = new Map(depth.map((view) => [view.symbol, view]));
    const markets = new Map<string, FloorMarket>();
    for (const { symbol, reference, participants } of crowd) {
      const marketUnits = units.get(symbol)!;
      const traders = participants.map((participant) => {
        const { account, position } = accounts.get(participant.name)!;
        const resting = orders.filter((order) => order.account === account);
        return new Trader({ ...options, participant, account, units: marketUnits, position, resting });
      });
      markets.set(symbol, {
        units: marketUnits,
        reference,
        book: new TradedMarket(depths.get(symbol)),
        traders,
      });
    }
    return new TradingFloor(options, markets, sequence);
  }

  private constructor(options: TradingFloorOptions, markets: Map<string, FloorMarket>, after: number) {
    const { clients, log, signal } = options;
    this.#markets = markets;
    this.#externalMid = options.externalMid;
    const traders = [...markets.values()].flatMap((market) => market.traders);
    this.#traderOf = new Map(traders.map((trader) => [trader.account, trader]));
    this.#following = followLog({
      client: clients.Matching,
      after,
      apply: (entry) => this.#observe(entry),
      log,
      signal,
    }).closed;
    this.#timer = setInterval(() => this.#tick(), tickMs);
    signal.addEventListener('abort', () => clearInterval(this.#timer), { once: true });
    this.#tick();
  }

  get paused(): boolean {
    return this.#paused;
  }

  set paused(paused: boolean) {
    this.#paused = paused;
  }

  /** Resolves after the signal has aborted. */
  get closed(): Promise<void> {
    return this.#following;
  }

  #tick(): void {
    if (this.#paused) return;
    const now = Date.now();
    for (const [symbol, { units, reference, book, traders }] of this.#markets) {
      const mid = symbol === pegged ? this.#externalMid() : undefined;
      if (mid !== undefined) reference.follow(priceToTicks(units, mid), now);
      const price = reference.at(now);
      for (const trader of traders) trader.act(now, price, book, this.tally);
    }
  }

  #observe(entry: LogEntry): void {
    for (const event of entry.events) {
      if (event.kind === 'book') this.#markets.get(event.symbol)?.book.apply(event);
      else this.#traderOf.get(accountOf(event) ?? '')?.observe(event);
    }
  }
}

function accountOf(event: EngineEvent): string | undefined {
  if (event.kind === 'accepted') return event.order.account;
  return event.kind === 'filled' || event.kind === 'cancelled' ? event.account : undefined;
}

interface OpenedAccount {
  readonly account: string;
  readonly position: number;
}

/** Every participant has an account of its own; what it holds beyond its funding is its position. */
async function openAccounts(
  clients: Clients<typeof uses>,
  crowd: readonly CrowdMarket[],
  units: ReadonlyMap<string, InstrumentUnits>,
): Promise<Map<string, OpenedAccount>> {
  const opened = await Promise.all(
    crowd.flatMap(({ symbol, participants }) =>
      participants.map(async ({ name }): Promise<[string, OpenedAccount]> => {
        const { base, quote, baseDecimals, basePerLot } = units.get(symbol)!;
        const funded = lotsToBase(units.get(symbol)!, baseFundingLots);
        const funding = [
          { asset: quote, amount: quoteFunding },
          { asset: base, amount: formatTrimmed(funded, baseDecimals) },
        ];
        const { account } = await clients.Identity.open({ name: name.toLowerCase(), funding });
        const balances = await clients.Risk.balances(
          {},
          { user: { subject: account, scopes: ['account:read'] } },
        );
        const own = balances.find(({ asset }) => asset === base);
        const held = own
          ? parseDecimal(own.available, baseDecimals) + parseDecimal(own.held, baseDecimals)
          : funded;
        return [name, { account, position: Number((held - funded) / basePerLot) }];
      }),
    ),
  );
  return new Map(opened);
}
