/** The contract of `feeds`: the simulated participants, and the recorded book of another venue. */
import { Decimal, MarketSymbol, Side, Timestamp } from '@exchange/reference';
import { contract, operation, stream } from 'flotilla';
import { z } from 'zod';

const Level = z.object({ side: Side, price: Decimal, quantity: Decimal });

/** What the other venue published, renumbered: `sequence` is gapless per symbol, across restarts too. */
export const VenueEvent = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('snapshot'),
    symbol: MarketSymbol,
    sequence: z.int().positive(),
    time: Timestamp,
    levels: z.array(Level),
  }),
  z.object({
    kind: z.literal('book'),
    symbol: MarketSymbol,
    sequence: z.int().positive(),
    time: Timestamp,
    levels: z.array(Level),
  }),
  z.object({
    kind: z.literal('trade'),
    symbol: MarketSymbol,
    sequence: z.int().positive(),
    time: Timestamp,
    id: z.int().nonnegative(),
    price: Decimal,
    quantity: Decimal,
    side: Side,
  }),
  /** The recording lost updates: the book is unknown until the next snapshot. */
  z.object({ kind: z.literal('gap'), symbol: MarketSymbol, sequence: z.int().positive(), time: Timestamp }),
]);
export type VenueEvent = z.infer<typeof VenueEvent>;

export const Feeds = contract(
  'feeds',
  {
    venue: operation({
      summary: "The other venue's market after a sequence, for ever; without a recording there is none",
      input: z.object({ after: z.int().nonnegative() }),
      output: stream(VenueEvent),
    }),
    status: operation({
      summary: 'What the participants and the replay are doing',
      output: z.object({
        participants: z.enum(['trading', 'paused', 'off']),
        submitted: z.int().nonnegative(),
        rejected: z.int().nonnegative(),
        replay: z
          .object({
            symbol: MarketSymbol,
            state: z.enum(['playing', 'gap', 'ended', 'damaged']),
            sequence: z.int().nonnegative(),
            gaps: z.int().nonnegative(),
            /** Why it stopped, where it is damaged. */
            reason: z.string().optional(),
          })
          .nullable(),
      }),
      idempotent: true,
    }),
    pause: operation({
      summary: 'The participants stop sending orders, and cancel nothing',
      output: z.object({ participants: z.literal('paused') }),
      idempotent: true,
    }),
    resume: operation({
      summary: 'The participants go on',
      output: z.object({ participants: z.literal('trading') }),
      idempotent: true,
    }),
  },
  { summary: 'Simulated participants and recorded venues' },
);
