/**
 * The suite `fleet`: what a person waits for. From `npm start` to the first trade over the API, from the death of each
 * service (SIGKILL) to its return, and from Ctrl-C to the end of the last process.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { median } from '../statistics.ts';

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

interface FleetEvent {
  readonly type: string;
  readonly service?: string;
  readonly state?: string;
  readonly pid?: number;
  readonly urls?: { readonly gateway: string };
}

const repository = resolve(import.meta.dirname, '../..');
const giveUpMs = 60_000;

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
  const data = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  const fleet = new Fleet(data);
  try {
    const { gateway } = (await fleet.event(({ type }) => type === 'ready')).urls!;
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
    fleet.kill();
    rmSync(data, { recursive: true, force: true });
  }
}

async function trades(gateway: string): Promise<number> {
  const response = await fetch(`${gateway}/v1/markets/BTC-USD/trades?limit=1`);
  return response.ok ? ((await response.json()) as unknown[]).length : 0;
}

async function until(probe: () => Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + giveUpMs;
  while (!(await probe())) {
    if (performance.now() > giveUpAt) throw new Error('the fleet did not get there in a minute');
    await pause(20);
  }
}

/** `npm start` with its events as JSON. */
class Fleet {
  readonly #child: ChildProcess;
  readonly #events: FleetEvent[] = [];
  readonly #startedAt = performance.now();

  constructor(data: string) {
    const options = ['--json', '--gateway-port', '0', '--broker-port', '0', '--data', data];
    this.#child = spawn('npm', ['run', '--silent', 'start', '--', ...options], {
      cwd: repository,
      // A group of its own, to be interrupted together as a terminal does.
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    createInterface({ input: this.#child.stdout! }).on('line', (line) => this.#events.push(JSON.parse(line)));
  }

  elapsed(): number {
    return performance.now() - this.#startedAt;
  }

  async event(wanted: (event: FleetEvent) => boolean): Promise<FleetEvent> {
    await until(async () => this.#events.some(wanted) || this.#child.exitCode !== null);
    const found = this.#events.find(wanted);
    if (!found) throw new Error(`npm start ended with code ${this.#child.exitCode}: run it to see why`);
    return found;
  }

  services(): string[] {
    return [...new Set(this.#events.flatMap(({ service }) => service ?? []))];
  }

  async killAndAwait(service: string): Promise<void> {
    const isReady = (event: FleetEvent) => event.service === service && event.state === 'ready';
    const { pid } = this.#events.findLast(isReady)!;
    process.kill(pid!, 'SIGKILL');
    await until(async () => this.#events.findLast(isReady)!.pid !== pid);
  }

  async interrupt(): Promise<void> {
    process.kill(-this.#child.pid!, 'SIGINT');
    await once(this.#child, 'exit');
  }

  kill(): void {
    try {
      if (this.#child.exitCode === null) process.kill(-this.#child.pid!, 'SIGKILL');
    } catch {
      // It has ended in between.
    }
  }
}
