/** The contract of `reference`: what can be traded, in which steps, and the words the other contracts share. */
import { contract, event, failure, operation } from 'flotilla';
import { z } from 'zod';

/** A non-negative decimal number as text: exact, never a float. */
export const Decimal = z
  .string()
  .max(40)
  .regex(/^\d+(\.\d+)?$/, 'must be a decimal number such as "12.50"');
/** A decimal number that may be negative. */
export const SignedDecimal = z
  .string()
  .max(41)
  .regex(/^-?\d+(\.\d+)?$/);
export const MarketSymbol = z
  .string()
  .regex(/^[A-Z0-9][A-Z0-9.-]{0,31}$/, 'must be a symbol such as "BTC-USD"');
export const Asset = z.string().regex(/^[A-Z0-9]{1,12}$/);
export const AccountId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/);
export const Side = z.enum(['buy', 'sell']);
/** ISO 8601, UTC, milliseconds. */
export const Timestamp = z.iso.datetime({ precision: 3 });

/** An amount of one asset. */
export const Amount = z.object({ asset: Asset, amount: Decimal });
export type Amount = z.infer<typeof Amount>;

/**
 * `open` trades here; `halted` and `closed` refuse new orders; `external` is the book of another venue, republished
 * and not tradable here.
 */
export const MarketStatus = z.enum(['open', 'halted', 'closed', 'external']);

export const Market = z.object({
  symbol: MarketSymbol,
  base: Asset,
  quote: Asset,
  /** Smallest step of a price, in quote per base. */
  tickSize: Decimal,
  /** Smallest step of a quantity, in base. */
  lotSize: Decimal,
  status: MarketStatus,
});
export type Market = z.infer<typeof Market>;

export const Instrument = Market.extend({
  /** A plausible price, before there is a trade. */
  referencePrice: Decimal,
});
export type Instrument = z.infer<typeof Instrument>;

/** Everything at one version; a later version replaces it whole. */
export const Catalogue = z.object({
  version: z.int().nonnegative(),
  /** Asset → decimals of its minor unit. */
  assets: z.record(Asset, z.int().min(0).max(18)),
  instruments: z.array(Instrument),
});
export type Catalogue = z.infer<typeof Catalogue>;

export const Reference = contract(
  'reference',
  {
    markets: operation({
      summary: 'All markets',
      output: z.array(Market),
      idempotent: true,
      access: 'public',
      http: 'GET /v1/markets',
    }),
    catalogue: operation({ summary: 'The current catalogue', output: Catalogue, idempotent: true }),
    changed: event({ summary: 'Another catalogue is in force', payload: Catalogue }),
    list: operation({
      summary: 'Add an instrument, or replace the one with its symbol',
      input: z.object({
        instrument: Instrument,
        assets: z.record(Asset, z.int().min(0).max(18)).default({}),
      }),
      output: Catalogue,
      errors: { invalid_instrument: failure({ data: z.object({ reason: z.string() }) }) },
      idempotent: true,
    }),
  },
  { summary: 'Instruments, assets, tick and lot sizes', partitions: 1 },
);
