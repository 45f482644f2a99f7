/** Replicas of the echo service under calls of several clients: 500 a second in all, half of them reads. */
import type { LoadResult } from './client.ts';
import type { CallSample } from './samples.ts';
import { type Client, type StagedFleet, stage } from './staged-fleet.ts';

const clients = 4;
const perSecond = 500;

export interface EchoLoad {
  readonly fleet: StagedFleet;
  /** Ends the load; one result for each client. */
  finish(): Promise<LoadResult[]>;
}

export async function loadEcho(replicas: readonly string[]): Promise<EchoLoad> {
  const fleet = await stage(replicas);
  try {
    const all: Client[] = [];
    for (let number = 1; number <= clients; number++) all.push(await fleet.startClient(`client-${number}`));
    const rate = perSecond / clients / 2;
    await Promise.all(
      all.map((client) => client.ask('load', { perSecond: { 'echo.read': rate, 'echo.write': rate } })),
    );
    return { fleet, finish: () => Promise.all(all.map((client) => client.ask('stop', undefined))) };
  } catch (error) {
    fleet.close();
    throw error;
  }
}

export function samplesOf(results: readonly LoadResult[]): CallSample[] {
  return results.flatMap(({ samples }) => Object.values(samples).flat());
}
