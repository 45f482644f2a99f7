/** `feeds`: makes the market live, with simulated participants and, where there is one, a recorded venue. */
import { setTimeout as pause } from 'node:timers/promises';
import { Matching } from '@exchange/matching';
import { followed } from '@exchange/matching/engine-log';
import { type Clients, type Logger, platformError, service } from 'flotilla';
import { z } from 'zod';
import { Feeds, type VenueEvent } from './contract.ts';
import { LogHandover } from './log-handover.ts';
import { ParticipantsSwitch } from './participants-switch.ts';
import { ReplayPosition } from './replay-position.ts';
import { TradingFloor, uses } from './trading-floor.ts';
import { venueAssets, venueInstrument } from './venue-event.ts';
import { VenueMarket } from './venue-market.ts';

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
  async start({ config, clients, database, transaction, progress, log, signal, fatal }) {
    const { exchangeFeed: file, exchangeFeedSpeed: speed } = config;
    const position = file ? await ReplayPosition.open(database, file) : undefined;
    const say = (event: VenueEvent, alongside: () => void) =>
      transaction((tx) => {
        alongside();
        tx.publish(Feeds.played, event);
      });
    const venue = file && position ? new VenueMarket({ file, position, say, speed, log, signal }) : undefined;
    const epoch = await database.write(() => {
      const row = database.prepare('UPDATE starts SET count = count + 1 RETURNING count').get();
      return Number(row!.count).toString(36);
    });
    const participants = new ParticipantsSwitch(database);
    const handover = new LogHandover();
    const state: FeedsState = { venue, participants, floor: undefined, handover, running: [] };
    if (venue) state.running.push(playVenue(venue, clients, log, signal).catch(fatal));
    if (config.exchangeParticipants) {
      const open = async () => {
        // Before the group is there and has read all, what the engine says may pass it by.
        if (!(await progress('feeds', Matching).caughtUp({ signal }))) {
          throw platformError('unavailable', 'the log of the engine cannot be followed yet');
        }
        handover.keep();
        const floor = await TradingFloor.open({
          clients,
          catalogue: await clients.Reference.catalogue(),
          epoch,
          seed: `${config.exchangeSeed}/${epoch}`,
          actionsPerSecond: config.exchangeActionsPerSecond,
          externalMid: () => venue?.mid,
          paused: () => participants.paused,
          log,
          signal,
        });
        handover.handTo((entry) => floor.observe(entry));
        state.floor = floor;
      };
      const trade = untilDone('the participants cannot trade yet', open, log, signal);
      state.running.push(trade.catch(fatal));
    }
    return state;
  },
  // What is played is of interest while it is played.
  events: { keep: '1h' },
  subscriptions: ({ subscribe }) => [
    subscribe(
      Matching.logged,
      { group: 'feeds', ...followed, from: 'new', handledUpTo: undefined },
      (entry, { state, database }) => database.afterCommit(() => state.handover.take(entry)),
    ),
  ],
  operations: {
    venue: (_input, { state }) => state.venue?.present ?? null,
    status(_input, { state: { floor, venue, participants }, config }) {
      return {
        participants: !config.exchangeParticipants ? ('off' as const) : activity(floor, participants),
        ...(floor?.tally ?? { submitted: 0, rejected: 0 }),
        replay: venue?.status ?? null,
      };
    },
    async pause(_input, { state }) {
      await state.participants.turn('paused');
      return { participants: 'paused' as const };
    },
    async resume(_input, { state, config }) {
      if (!config.exchangeParticipants) {
        throw platformError(
          'conflict',
          'there are no participants in this fleet: set EXCHANGE_PARTICIPANTS to true and restart feeds',
        );
      }
      await state.participants.turn('trading');
      return { participants: 'trading' as const };
    },
  },
  async stop({ running }) {
    await Promise.all(running);
  },
});

interface FeedsState {
  readonly venue: VenueMarket | undefined;
  readonly participants: ParticipantsSwitch;
  floor: TradingFloor | undefined;
  readonly handover: LogHandover;
  readonly running: Promise<void>[];
}

function activity(floor: TradingFloor | undefined, { paused }: ParticipantsSwitch) {
  if (paused) return 'paused' as const;
  return floor ? ('trading' as const) : ('starting' as const);
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

const leastPauseMs = 100;
const mostPauseMs = 2_000;

/** Repeats what needs services that may be away, until it succeeds or the signal aborts. The first failure is logged. */
async function untilDone(
  problem: string,
  work: () => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let wait = leastPauseMs; !signal.aborted; wait = Math.min(2 * wait, mostPauseMs)) {
    try {
      return await work();
    } catch (error) {
      if (wait === leastPauseMs && !signal.aborted) log.warn(problem, { error });
    }
    await pause(wait, undefined, { signal }).catch(() => {});
  }
}
