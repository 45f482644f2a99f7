/** `feeds`: makes the market live, with simulated participants and, where there is one, a recorded venue. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Clients, type Logger, platformError, service } from 'flotilla';
import { z } from 'zod';
import { Feeds } from './contract.ts';
import { TradingFloor, uses } from './trading-floor.ts';
import { VenueMarket, venueAssets, venueInstrument } from './venue-market.ts';

export default service(Feeds, {
  version: '0.1.0',
  config: z.object({
    /** Path of a recording in the Binance spot format, plain or gzip. */
    exchangeFeed: z.string().optional(),
    /** Recorded seconds that are played in one. */
    exchangeFeedSpeed: z.number().positive().default(1),
    /** Whether simulated participants trade. */
    exchangeParticipants: z.boolean().default(true),
    exchangeActionsPerSecond: z.number().positive().max(1_000).default(20),
    /** The same seed gives the same participants. */
    exchangeSeed: z.string().min(1).default('exchange'),
  }),
  uses,
  database: { migrations: new URL('./migrations/', import.meta.url) },
  async start({ config, clients, database, log, signal }) {
    const { exchangeFeed: file, exchangeFeedSpeed: speed } = config;
    const venue = file ? await VenueMarket.open({ file, database, speed, log, signal }) : undefined;
    const epoch = await database.write(() => {
      const row = database.prepare('UPDATE starts SET count = count + 1 RETURNING count').get();
      return Number(row!.count).toString(36);
    });
    const state: FeedsState = { venue, floor: undefined, running: [] };
    if (venue) state.running.push(playVenue(venue, clients, log, signal));
    if (config.exchangeParticipants) {
      const open = async () => {
        state.floor = await TradingFloor.open({
          clients,
          catalogue: await clients.Reference.catalogue(),
          epoch,
          seed: `${config.exchangeSeed}/${epoch}`,
          actionsPerSecond: config.exchangeActionsPerSecond,
          externalMid: () => venue?.mid,
          log,
          signal,
        });
        await state.floor.closed;
      };
      state.running.push(untilDone('the participants cannot trade yet', open, log, signal));
    }
    return state;
  },
  operations: {
    async *venue({ after }, { state, signal }) {
      if (!state.venue) throw platformError('not_found', 'no recording is played: EXCHANGE_FEED is not set');
      yield* state.venue.events(after, signal);
    },
    status(_input, { state: { floor, venue }, config }) {
      const participants = !config.exchangeParticipants ? ('off' as const) : stateOf(floor);
      return {
        participants,
        ...(floor?.tally ?? { submitted: 0, rejected: 0 }),
        replay: venue?.status ?? null,
      };
    },
    pause(_input, { state }) {
      floorOf(state).paused = true;
      return { participants: 'paused' as const };
    },
    resume(_input, { state }) {
      floorOf(state).paused = false;
      return { participants: 'trading' as const };
    },
  },
  async stop({ running }) {
    await Promise.all(running);
  },
});

interface FeedsState {
  readonly venue: VenueMarket | undefined;
  floor: TradingFloor | undefined;
  readonly running: Promise<void>[];
}

function stateOf(floor: TradingFloor | undefined): 'paused' | 'trading' {
  return floor?.paused ? 'paused' : 'trading';
}

function floorOf({ floor }: FeedsState): TradingFloor {
  if (floor) return floor;
  throw platformError('unavailable', 'the participants do not trade yet');
}

async function playVenue(
  venue: VenueMarket,
  clients: Pick<Clients<typeof uses>, 'Reference'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const list = async () => {
    await clients.Reference.list({ instrument: venueInstrument, assets: venueAssets });
  };
  await untilDone("the other venue's market cannot be listed yet", list, log, signal);
  if (!signal.aborted) await venue.play();
}

const tryAgainMs = 250;

/** Repeats what needs services that may be away, until it succeeds or the signal aborts. */
async function untilDone(
  problem: string,
  work: () => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      return await work();
    } catch (error) {
      if (!signal.aborted) log.warn(problem, { error });
    }
    await pause(tryAgainMs, undefined, { signal }).catch(() => {});
  }
}
