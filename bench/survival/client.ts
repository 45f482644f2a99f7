/** A process that calls: joins the fleet, makes calls at a steady rate, and watches what it thinks of the others. */
import { type FleetMember, joinFleet } from 'flotilla';
import { waitFor } from 'flotilla/testing';
import { answerQuestions } from './conversation.ts';
import { Load } from './load.ts';
import type { CallSample } from './samples.ts';
import { Echo } from './services/echo.ts';
import { Front } from './services/front.ts';
import { type Sighting, SightingLog, statesOf } from './sightings.ts';

export interface JoinQuestion {
  readonly instance: string;
  readonly fleet: string;
  readonly secret: string;
  readonly natsUrl: string;
}

export interface LoadQuestion {
  /** Operations, and how often each is called in a second. */
  readonly perSecond: Partial<Record<Operation, number>>;
}

export interface LoadResult {
  readonly samples: Readonly<Partial<Record<Operation, CallSample[]>>>;
  readonly sightings: readonly Sighting[];
}

export type Operation = 'echo.read' | 'echo.write' | 'front.plain' | 'front.needy';

let member: FleetMember | undefined;
let loads = new Map<Operation, Load>();
let log = new SightingLog();
let watch: NodeJS.Timeout | undefined;

function callOf(operation: Operation): () => Promise<unknown> {
  const echo = member!.client(Echo);
  const front = member!.client(Front);
  const input = { text: 'forty-four bytes of JSON in each call' };
  switch (operation) {
    case 'echo.read':
      return () => echo.read(input);
    case 'echo.write':
      return () => echo.write(input);
    case 'front.plain':
      return () => front.plain(input);
    case 'front.needy':
      return () => front.needy(input);
  }
}

const questions = {
  async join({ instance, fleet, secret, natsUrl }: JoinQuestion): Promise<void> {
    member = await joinFleet({ service: 'client', instance, fleet, secret, natsUrl });
  },

  async load({ perSecond }: LoadQuestion): Promise<void> {
    log = new SightingLog();
    watch = setInterval(
      () => log.see(statesOf(member!.resilience()), performance.timeOrigin + performance.now()),
      10,
    );
    loads = new Map();
    for (const [name, rate] of Object.entries(perSecond)) {
      const operation = name as Operation;
      const call = callOf(operation);
      await waitFor(call, { what: `an answer from ${operation}` });
      loads.set(operation, new Load(call, rate));
    }
  },

  async stop(_question: undefined): Promise<LoadResult> {
    await Promise.all([...loads.values()].map((load) => load.stop()));
    clearInterval(watch);
    const samples = Object.fromEntries([...loads].map(([operation, load]) => [operation, load.samples]));
    return { samples, sightings: log.sightings };
  },

  instances(_question: undefined): string[] {
    return member!.discovery.list().map(({ instance }) => instance);
  },
};

export type ClientQuestions = typeof questions;

answerQuestions(questions);
