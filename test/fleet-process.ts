/** A real fleet for whole-system tests: `flotilla up` as a child process, on free ports, with data of its own. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { type FleetMember, joinFleet } from 'flotilla';
import { waitFor } from 'flotilla/testing';

export const repository = resolve(import.meta.dirname, '..');
const flotilla = join(repository, 'packages/cli/bin/flotilla.js');
const run = promisify(execFile);

export interface Listed {
  readonly service: string;
  readonly instance: string;
  readonly pid: number;
  readonly state: string;
  readonly restarts: number;
  readonly version: string | null;
  readonly address: string;
}

/** An instance came into another state. */
interface StateEvent {
  readonly type: 'state';
  readonly service: string;
  readonly state: string;
  readonly pid?: number;
}

interface ReadyEvent {
  readonly type: 'ready';
  readonly name: string;
  readonly seconds: number;
  readonly pid: number;
  readonly urls: { readonly gateway: string; readonly broker: string };
}

export interface StartOptions {
  readonly config?: string;
  readonly environment?: NodeJS.ProcessEnv;
  /** An earlier fleet's directory; default a new one. */
  readonly data?: string;
}

export class FleetProcess {
  readonly #child: ChildProcess;
  readonly #environment: NodeJS.ProcessEnv;
  readonly data: string;
  readonly ready: ReadyEvent;
  /** What it said on standard error, for messages. */
  readonly talk: string[];
  /** What it said on standard output. */
  readonly #events: readonly { readonly type: string }[];
  #member: Promise<FleetMember> | undefined;

  static async start(options: StartOptions = {}): Promise<FleetProcess> {
    const data = options.data ?? mkdtempSync(join(tmpdir(), 'flotilla-system-'));
    const config = options.config ?? join(repository, 'exchange/flotilla.config.ts');
    const environment = { ...process.env, FLOTILLA_DATA: data, ...options.environment };
    const child = spawn(
      process.execPath,
      [flotilla, 'up', '--config', config, '--gateway-port', '0', '--broker-port', '0', '--json'],
      { env: environment, stdio: ['ignore', 'pipe', 'pipe'] },
    );
    const talk: string[] = [];
    createInterface({ input: child.stderr! }).on('line', (line) => talk.push(line));
    const events: { type: string }[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => events.push(JSON.parse(line)));
    const ready = await waitFor(
      () => {
        if (child.exitCode !== null) return { type: 'exited' };
        return events.find(({ type }) => type === 'ready' || type === 'failed');
      },
      { timeoutMs: 60_000, what: 'the fleet to be ready' },
    );
    if (ready.type !== 'ready') {
      throw new Error(`the fleet did not start (exit code ${child.exitCode}):\n${talk.join('\n')}`);
    }
    return new FleetProcess(child, environment, data, ready as ReadyEvent, talk, events);
  }

  private constructor(
    child: ChildProcess,
    environment: NodeJS.ProcessEnv,
    data: string,
    ready: ReadyEvent,
    talk: string[],
    events: readonly { readonly type: string }[],
  ) {
    this.#child = child;
    this.#environment = environment;
    this.data = data;
    this.ready = ready;
    this.talk = talk;
    this.#events = events;
  }

  get gateway(): string {
    return this.ready.urls.gateway;
  }

  get broker(): string {
    return this.ready.urls.broker;
  }

  get secret(): string {
    return readFileSync(join(this.data, 'run/secret'), 'utf8').trim();
  }

  /** Runs a command of the CLI against this fleet and gives its standard output. */
  async cli(...args: string[]): Promise<string> {
    const { stdout } = await run(process.execPath, [flotilla, ...args], { env: this.#environment });
    return stdout;
  }

  async ps(): Promise<Listed[]> {
    return JSON.parse(await this.cli('ps', '--json'));
  }

  /** Calls an operation as a member of the fleet, without the cost of a process. */
  async call<T>(operation: string, input: unknown = {}): Promise<T> {
    const member = await this.member();
    const service = operation.slice(0, operation.indexOf('.'));
    const result = await member.call(service, operation, Buffer.from(JSON.stringify(input)), {});
    return JSON.parse(result.payload.toString());
  }

  /** This process as a member of the fleet. */
  member(): Promise<FleetMember> {
    this.#member ??= joinFleet({
      service: 'test',
      instance: 'test-1',
      fleet: this.ready.name,
      secret: this.secret,
      natsUrl: this.broker,
    });
    return this.#member;
  }

  /** Process id of the latest ready instance of a service. */
  pid(service: string): number {
    const event = this.#states(service).findLast(({ state }) => state === 'ready');
    if (event?.pid === undefined) throw new Error(`no instance of ${service}`);
    return event.pid;
  }

  /** Kills a service with SIGKILL; resolves with its process id once the supervisor has noticed. */
  async kill(service: string): Promise<number> {
    const pid = this.pid(service);
    const known = this.#states(service).length;
    process.kill(pid, 'SIGKILL');
    await waitFor(() => this.#states(service).length > known, {
      what: `the death of ${service} to be noticed`,
    });
    return pid;
  }

  /** Waits until a service is ready under another process id. */
  async isBack(service: string, formerPid: number): Promise<void> {
    await waitFor(() => this.#states(service).at(-1)?.state === 'ready' && this.pid(service) !== formerPid, {
      what: `${service} to be back`,
    });
  }

  #states(service: string): StateEvent[] {
    return this.#events.filter(
      (event): event is StateEvent => event.type === 'state' && (event as StateEvent).service === service,
    );
  }

  /** Ctrl-C; resolves with the exit code. */
  async interrupt(): Promise<number | null> {
    await (await this.#member)?.leave();
    if (this.#child.exitCode === null) this.#child.kill('SIGINT');
    await waitFor(() => this.#child.exitCode !== null || this.#child.signalCode !== null, {
      what: 'the fleet to stop',
    });
    return this.#child.exitCode;
  }

  /** Stops it and removes its data. */
  async dispose(): Promise<void> {
    try {
      await this.interrupt();
    } finally {
      rmSync(this.data, { recursive: true, force: true });
    }
  }
}
