/** The contract of `feeds`: the simulated participants, and the recorded book of another venue. */
import { Decimal, MarketSymbol, Side, Timestamp } from '@exchange/reference';
import { contract, event, operation } from 'flotilla';
import { z } from 'zod';

const Level = z.object({ side: Side, price: Decimal, quantity: Decimal });

/**
 * `run` and `sequence` number what is played: gapless from 1 in a run, and a later run has a higher number. Whoever lacks
 * events asks for what stands in for them.
 */
const Played = {
  symbol: MarketSymbol,
  run: z.int().positive(),
  sequence: z.int().nonnegative(),
  time: Timestamp,
};

/** What the other venue published. */
export const VenueEvent = z.discriminatedUnion('kind', [
  /** The whole book, in place of whatever was before. */
  z.object({ kind: z.literal('snapshot'), ...Played, levels: z.array(Level) }),
  /** Levels that changed, with their quantity after the change. */
  z.object({ kind: z.literal('book'), ...Played, levels: z.array(Level) }),
  z.object({
    kind: z.literal('trade'),
    ...Played,
    id: z.int().nonnegative(),
    price: Decimal,
    quantity: Decimal,
    side: Side,
  }),
  /** The recording lost updates, or ended in damage: the book is unknown until the next snapshot. */
  z.object({ kind: z.literal('gap'), ...Played }),
]);
export type VenueEvent = z.infer<typeof VenueEvent>;

export const Feeds = contract(
  'feeds',
  {
    played: event({
      summary: "What happens in the other venue's market",
      payload: VenueEvent,
      key: 'symbol',
    }),
    venue: operation({
      summary: 'A snapshot or a gap that stands in for everything played so far; null where there is nothing',
      output: VenueEvent.nullable(),
      idempotent: true,
    }),
    status: operation({
      summary: 'What the participants and the replay are doing',
      output: z.object({
        /** `starting`: a service that they need is away. */
        participants: z.enum(['starting', 'trading', 'paused', 'off']),
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
  {
    summary: 'Simulated participants and recorded venues',
    // There is one other venue, with one market.
    partitions: 1,
  },
);
