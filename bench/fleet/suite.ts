/**
 * The suite `fleet`: what a person waits for. From `npm start` to the first trade over the API, from the death of each
 * service (SIGKILL) to its return, and from Ctrl-C to the end of the last process.
 */
import { median } from '../statistics.ts';
import { StartedFleet, until } from './started-fleet.ts';

export interface FleetOptions {
  readonly rounds: number;
  readonly talk: (line: string) => void;
}

export interface FleetRow {
  readonly name: string;
  /** Milliseconds. */
  readonly medianMs: number;
  readonly leastMs: number;
  readonly mostMs: number;
}

export async function runFleet({ rounds, talk }: FleetOptions): Promise<FleetRow[]> {
  const measured = new Map<string, number[]>();
  const note = (name: string, milliseconds: number) =>
    measured.set(name, [...(measured.get(name) ?? []), milliseconds]);
  for (let round = 1; round <= rounds; round++) {
    talk(`round ${round} of ${rounds}`);
    await measureOnce(note);
  }
  return [...measured].map(([name, values]) => ({
    name,
    medianMs: Math.round(median(values)),
    leastMs: Math.round(Math.min(...values)),
    mostMs: Math.round(Math.max(...values)),
  }));
}

async function measureOnce(note: (name: string, milliseconds: number) => void): Promise<void> {
  const fleet = new StartedFleet();
  try {
    const { gateway } = (await fleet.ready()).urls!;
    note('npm start to ready', fleet.elapsed());
    await until(async () => (await trades(gateway)) > 0);
    note('npm start to the first trade', fleet.elapsed());
    for (const service of fleet.services()) {
      const killedAt = performance.now();
      await fleet.killAndAwait(service);
      note(`kill -9 of ${service} to its return`, performance.now() - killedAt);
    }
    const stoppedAt = performance.now();
    await fleet.interrupt();
    note('Ctrl-C to the end', performance.now() - stoppedAt);
  } finally {
    fleet.close();
  }
}

async function trades(gateway: string): Promise<number> {
  const response = await fetch(`${gateway}/v1/markets/BTC-USD/trades?limit=1`);
  return response.ok ? ((await response.json()) as unknown[]).length : 0;
}
