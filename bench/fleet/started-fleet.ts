/** The Exchange fleet as a user starts it, `npm start`, with its events as JSON; on free ports and data of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

export interface FleetEvent {
  readonly type: string;
  readonly service?: string;
  readonly instance?: string;
  readonly state?: string;
  readonly pid?: number;
  readonly urls?: { readonly gateway: string };
}

const repository = resolve(import.meta.dirname, '../..');
const giveUpMs = 60_000;

/** @throws when `probe` is not met within a minute. */
export async function until(probe: () => boolean | Promise<boolean>): Promise<void> {
  const giveUpAt = performance.now() + giveUpMs;
  while (!(await probe())) {
    if (performance.now() > giveUpAt) throw new Error('the fleet did not get there in a minute');
    await pause(20);
  }
}

export class StartedFleet {
  readonly #data = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  readonly #child: ChildProcess;
  readonly #events: FleetEvent[] = [];
  readonly #startedAt = performance.now();

  /** @param environment on top of this process's own. */
  constructor(environment: Readonly<Record<string, string>> = {}) {
    const options = ['--json', '--gateway-port', '0', '--broker-port', '0', '--data', this.#data];
    this.#child = spawn('npm', ['run', '--silent', 'start', '--', ...options], {
      cwd: repository,
      env: { ...process.env, ...environment },
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
    await until(() => this.#events.some(wanted) || this.#child.exitCode !== null);
    const found = this.#events.find(wanted);
    if (!found) throw new Error(`npm start ended with code ${this.#child.exitCode}: run it to see why`);
    return found;
  }

  /** The event with which the whole fleet is ready; its pid is the supervisor's. */
  ready(): Promise<FleetEvent> {
    return this.event(({ type }) => type === 'ready');
  }

  services(): string[] {
    return [...new Set(this.#events.flatMap(({ service }) => service ?? []))];
  }

  /** Pid of each instance that is ready. */
  pids(): Map<string, number> {
    const ready = this.#events.filter(({ state }) => state === 'ready');
    return new Map(ready.map(({ instance, pid }) => [instance!, pid!]));
  }

  async killAndAwait(service: string): Promise<void> {
    const isReady = (event: FleetEvent) => event.service === service && event.state === 'ready';
    const { pid } = this.#events.findLast(isReady)!;
    process.kill(pid!, 'SIGKILL');
    await until(() => this.#events.findLast(isReady)!.pid !== pid);
  }

  async interrupt(): Promise<void> {
    process.kill(-this.#child.pid!, 'SIGINT');
    await once(this.#child, 'exit');
  }

  /** Ends whatever still runs and removes its data. */
  close(): void {
    try {
      if (this.#child.exitCode === null) process.kill(-this.#child.pid!, 'SIGKILL');
    } catch {
      // It has ended in between.
    }
    rmSync(this.#data, { recursive: true, force: true });
  }
}
