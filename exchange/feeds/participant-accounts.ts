/** The accounts of the simulated participants, and what they have at one moment of the engine's log. */
import type { Identity } from '@exchange/identity';
import type { Matching, OrderState } from '@exchange/matching';
import { formatTrimmed, type InstrumentUnits, lotsToBase, parseDecimal } from '@exchange/reference/units';
import type { Risk } from '@exchange/risk';
import type { Client } from 'flotilla';
import type { DepthView } from './traded-market.ts';

/** A participant and the market it trades in. */
export interface Seat {
  /** Unique. */
  readonly name: string;
  readonly units: InstrumentUnits;
}

export interface Holding {
  readonly account: string;
  /** Lots bought less lots sold, ever. */
  readonly position: number;
  readonly resting: readonly OrderState[];
}

export interface Standing {
  /** The entry of the engine's log after which all of this is so. */
  readonly sequence: number;
  /** By name of the participant. */
  readonly holdings: ReadonlyMap<string, Holding>;
  /** By symbol. */
  readonly depths: ReadonlyMap<string, DepthView>;
}

export interface AccountClients {
  readonly Identity: Pick<Client<typeof Identity>, 'open'>;
  readonly Risk: Pick<Client<typeof Risk>, 'balances'>;
  readonly Matching: Pick<Client<typeof Matching>, 'head' | 'audit'>;
}

const quoteFunding = '50000000';
const baseFundingLots = 1_000_000;
/** In a market that does not rest, positions are read this often; then one that is off by a trade has to do. */
const mostReadings = 5;

/** Opens the accounts, where they are not open yet, and reads what they have. */
export async function takeSeats(clients: AccountClients, seats: readonly Seat[]): Promise<Standing> {
  const accounts = await Promise.all(seats.map((seat) => open(clients, seat)));
  for (let reading = 1; ; reading++) {
    const { sequence: before } = await clients.Matching.head();
    const positions = await Promise.all(
      seats.map((seat, index) => position(clients, seat, accounts[index]!)),
    );
    const { sequence, orders, depth } = await clients.Matching.audit();
    if (sequence !== before && reading < mostReadings) continue;
    const holding = (account: string, index: number): Holding => ({
      account,
      position: positions[index]!,
      resting: orders.filter((order) => order.account === account),
    });
    return {
      sequence,
      holdings: new Map(accounts.map((account, index) => [seats[index]!.name, holding(account, index)])),
      depths: new Map(depth.map((view) => [view.symbol, view])),
    };
  }
}

async function open({ Identity }: AccountClients, { name, units }: Seat): Promise<string> {
  const { account } = await Identity.open({
    name: name.toLowerCase(),
    funding: [
      { asset: units.quote, amount: quoteFunding },
      { asset: units.base, amount: formatTrimmed(fundedBase(units), units.baseDecimals) },
    ],
  });
  return account;
}

/** What an account holds beyond its funding. */
async function position({ Risk }: AccountClients, { units }: Seat, account: string): Promise<number> {
  const balances = await Risk.balances({}, { user: { subject: account, scopes: ['account:read'] } });
  const own = balances.find(({ asset }) => asset === units.base);
  if (!own) return 0;
  const held = parseDecimal(own.available, units.baseDecimals) + parseDecimal(own.held, units.baseDecimals);
  return Number((held - fundedBase(units)) / units.basePerLot);
}

function fundedBase(units: InstrumentUnits): bigint {
  return lotsToBase(units, baseFundingLots);
}
