/**
 * Rounds in which a broker dies under load, by a kill or by a loss of power, and what of the acknowledged messages it
 * still has afterwards.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { jetstreamManager } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { ForgetfulDisk, type Remains } from '../power-cut/forgetful-disk.ts';
import { DurableBroker } from './durable-broker.ts';
import { InboxConsumer } from './inbox-consumer.ts';
import { Ledger, PublishingLoad } from './publishing-load.ts';
import { compare, type Verdict } from './stored-messages.ts';

export interface RoundsOptions {
  readonly rounds: number;
  /** Default 64. */
  readonly publishers?: number;
  /**
   * The broker dies at a random moment within this time under load, in ms; every other time upon an acknowledgement, at the
   * latest that of as many messages.
   */
  readonly longestMs: number;
  readonly random: () => number;
  /** Called after each round. */
  readonly talk?: (round: number, outcome: Outcome) => void;
}

export interface Outcome {
  readonly acknowledged: number;
  readonly lost: number;
  /** Stored more often than sent: what was sent again without an acknowledgement may be there twice. */
  readonly surplus: number;
  /** From the start of each process to the first answer about the stream, in ms. */
  readonly readyMs: readonly number[];
}

export interface KillOutcome extends Outcome {
  /** Acknowledged messages that the consumer with an inbox never handled. */
  readonly unhandled: number;
  /** Messages whose effect is there more than once. */
  readonly handledTwice: number;
}

const stream = 'LOAD';
const subject = 'load';

/**
 * kill -9: the page cache survives. A consumer with an inbox handles the messages at the same time, and is killed in
 * every other round.
 */
export async function killRounds(options: RoundsOptions): Promise<KillOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'flotilla-kill-'));
  const broker = new DurableBroker({ data: join(folder, 'data'), cache: join(folder, 'cache') });
  let consumer: InboxConsumer | undefined;
  let ledger: Ledger | undefined;
  let effects = new Map<number, number>();
  try {
    const outcome = await play(broker, options, {
      async prepared(nc, of) {
        ledger = of;
        consumer = new InboxConsumer(broker.servers, stream, folder);
        await consumer.prepare(nc);
        consumer.start();
      },
      async died(round) {
        if (round % 2 === 0) return;
        await consumer?.kill();
        consumer?.start();
      },
      async survived() {
        effects = await consumer!.effects();
      },
    });
    return {
      ...outcome,
      unhandled: [...ledger!.acknowledged.keys()].filter((number) => !effects.has(number)).length,
      handledTwice: [...effects.values()].filter((times) => times > 1).length,
    };
  } finally {
    await consumer?.kill();
    rmSync(folder, { recursive: true });
  }
}

export interface PowerCutOptions extends RoundsOptions {
  /** From `buildPowerCut`. */
  readonly library: string;
  /** Default `disk`. */
  readonly durability?: 'disk' | 'process';
  /** What is left of what was not flushed, round and round. Default all three kinds. */
  readonly remains?: readonly Remains[];
}

/** The power fails: what was not flushed is gone, or part of it. */
export async function powerCutRounds(options: PowerCutOptions): Promise<Outcome> {
  const { library, durability = 'disk', remains = ['nothing', 'torn', 'scattered'] } = options;
  const disk = new ForgetfulDisk(library);
  const cache = mkdtempSync(join(tmpdir(), 'flotilla-compiled-'));
  try {
    const broker = new DurableBroker({ data: disk.root, durability, cache, environment: disk.environment });
    return await play(broker, options, {
      died(round) {
        disk.cutPower(remains[round % remains.length], options.random);
      },
    });
  } finally {
    disk.remove();
    rmSync(cache, { recursive: true });
  }
}

interface Turns {
  /** The stream has been made. */
  prepared?(nc: NatsConnection, ledger: Ledger): Promise<void>;
  /** The broker is dead. */
  died?(round: number): void | Promise<void>;
  /** The last broker is up, and will not be killed any more. */
  survived?(): Promise<void>;
}

async function play(
  broker: DurableBroker,
  { rounds, publishers = 64, longestMs, random, talk = () => {} }: RoundsOptions,
  turns: Turns,
): Promise<Outcome> {
  const ledger = new Ledger();
  const readyMs: number[] = [];
  const lost = new Set<number>();
  const surplus = new Set<number>();
  const note = (verdict: Verdict) => {
    for (const number of verdict.lost) lost.add(number);
    for (const number of verdict.surplus) surplus.add(number);
  };
  const outcome = (): Outcome => ({
    acknowledged: ledger.acknowledged.size,
    lost: lost.size,
    surplus: surplus.size,
    readyMs,
  });
  // Every other time right upon an acknowledgement: whoever sends them too early is caught at once.
  const death = async (round: number, load: PublishingLoad): Promise<void> => {
    if (round % 2 === 0) {
      await delay(random() * longestMs);
      await broker.kill();
    } else {
      const { promise, resolve } = Promise.withResolvers<void>();
      load.whenAcknowledged(1 + Math.floor(random() * longestMs), () => resolve(broker.kill()));
      await promise;
    }
  };
  let compared = 0;
  try {
    for (let round = 0; round <= rounds; round++) {
      const startedAt = performance.now();
      await broker.start();
      const nc = await connect({ servers: broker.servers, reconnect: false });
      const jsm = await jetstreamManager(nc, { checkAPI: false });
      // It is there but for the first time, unless the broker lost it: with it, all that was acknowledged.
      const { state } = await jsm.streams.add({ name: stream, subjects: [`${subject}.*`] });
      readyMs.push(performance.now() - startedAt);
      if (round === 0) await turns.prepared?.(nc, ledger);
      // What the rounds before left is compared in the end once more, all of it.
      note(await compare(nc, stream, ledger, round === rounds ? 1 : compared + 1));
      compared = state.last_seq;
      if (round > 0) talk(round, outcome());
      if (round < rounds) {
        const load = new PublishingLoad(nc, ledger, { publishers, subject, random });
        await death(round, load);
        await nc.closed();
        load.abandon();
        await turns.died?.(round);
      } else {
        await nc.close();
        await turns.survived?.();
      }
    }
    return outcome();
  } finally {
    await broker.kill();
  }
}
