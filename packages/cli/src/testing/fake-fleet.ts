/**
 * A fleet of scripts that speak the process protocol and nothing else: real processes, quick to start, and able to do
 * what a test needs (hang, die, ignore SIGTERM, write nonsense).
 */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LogEntry } from '../logs/entry.ts';
import type { StartFailure } from '../supervision/fleet-state.ts';
import { DEFAULT_POLICY, type Policy } from '../supervision/policy.ts';
import { installedPrograms, type Program } from '../supervisor/child-environment.ts';
import type { FleetEvent } from '../supervisor/fleet-event.ts';
import { type FleetRun, type FleetRunOptions, runFleet } from '../supervisor/fleet-run.ts';
import type { Death } from '../supervisor/supervisor.ts';
import { until } from './until.ts';

/** Ready at once, answers pings, ends on SIGTERM and when the supervisor is gone. */
export const WELL_BEHAVED = `
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ type, id }) => { if (type === 'ping') process.send({ type: 'pong', id }); });
  process.send({ type: 'ready', address: 'tcp://127.0.0.1:1', version: '1.2.3', contract: 'abc' });
`;

/** Runs the entry that the supervisor names, as the service host does. */
const SERVICE_PROGRAM = `await import(process.argv[2]);`;
const BROKER_PROGRAM = `
  process.on('SIGTERM', () => process.exit(0));
  process.on('disconnect', () => process.exit(0));
  process.on('message', ({ type, id, directory }) => {
    if (type === 'ping') process.send({ type: 'pong', id });
    if (type !== 'backup') return;
    if (directory === '/dies') process.exit(1);
    const error = { code: 'backup_exists', message: directory + ' exists: choose another', repair: 'choose another' };
    process.send({ type: 'backup', id, ...(directory === '/taken' ? { error } : {}) });
  });
  const port = process.env.FLOTILLA_BROKER_PORT === '0' ? 40000 + (process.pid % 10000) : process.env.FLOTILLA_BROKER_PORT;
  process.send({ type: 'ready', url: 'nats://127.0.0.1:' + port, version: '1.2.3' });
`;

/** Quick times, so that a test of hanging processes takes no four seconds. */
export const QUICK: Policy = { ...DEFAULT_POLICY, backoffBaseMs: 20, stopToldMs: 300, stopKillMs: 600 };

export class FakeFleet {
  readonly directory: string;
  readonly events: FleetEvent[] = [];
  readonly logs: LogEntry[] = [];
  readonly deaths: Death[] = [];
  /** Of every service, as far as the supervisor knows. */
  operations: readonly string[] | undefined;
  run: FleetRun | undefined;

  constructor() {
    this.directory = mkdtempSync(join(tmpdir(), 'flotilla-fake-'));
    this.write('nothing.mjs', '');
    this.write('service-program.mjs', SERVICE_PROGRAM);
    this.write('broker-program.mjs', BROKER_PROGRAM);
    this.write(
      'gateway-program.mjs',
      BROKER_PROGRAM.replaceAll('BROKER', 'GATEWAY').replace('nats:', 'http:'),
    );
  }

  get data(): string {
    return join(this.directory, '.flotilla');
  }

  write(name: string, text: string): string {
    const file = join(this.directory, name);
    writeFileSync(file, text);
    return file;
  }

  /**
   * @param scripts Source of each service.
   * @param extra Settings of the fleet beside `name` and `services`, and of single services.
   */
  configure(
    scripts: Record<string, string>,
    extra: object = {},
    services: Record<string, object> = {},
  ): void {
    for (const [name, script] of Object.entries(scripts)) this.write(`${name}.mjs`, script);
    const config = {
      name: 'fake',
      services: Object.fromEntries(
        Object.keys(scripts).map((name) => [name, { entry: `./${name}.mjs`, ...services[name] }]),
      ),
      gateway: false,
      broker: { port: 0 },
      ...extra,
    };
    this.write('flotilla.config.mjs', `export default ${JSON.stringify(config)};`);
  }

  async start(options: Partial<FleetRunOptions> = {}): Promise<FleetRun> {
    const { PATH, HOME } = process.env;
    this.run = await runFleet({
      flags: {},
      env: { PATH, HOME },
      cwd: this.directory,
      programs: {
        ...installedPrograms(),
        broker: join(this.directory, 'broker-program.mjs'),
        gateway: this.#program('gateway-program.mjs'),
        service: this.#program('service-program.mjs'),
      },
      policy: QUICK,
      // There is no broker behind the fake one.
      presence: () => ({
        prepare() {},
        report: (death) => this.deaths.push(death),
        async heard() {},
        operations: async () => this.operations,
        async close() {},
      }),
      onLog: (entry) => this.logs.push(entry),
      onEvent: (event) => this.events.push(event),
      ...options,
    });
    return this.run;
  }

  #program(name: string): Program {
    return { run: join(this.directory, name), preload: join(this.directory, 'nothing.mjs') };
  }

  /** Starts, and resolves with the `ready` event. */
  async ready(options: Partial<FleetRunOptions> = {}): Promise<FleetEvent & { type: 'ready' }> {
    await this.start(options);
    return until('the fleet is ready', () => this.events.find((event) => event.type === 'ready'));
  }

  /** Waits for a state of an instance, beginning after the first `from` events. */
  state(instance: string, state: string, from = 0): Promise<FleetEvent & { type: 'state' }> {
    return until(`${instance} is ${state}`, () =>
      this.events
        .slice(from)
        .filter((event) => event.type === 'state')
        .find((event) => event.instance === instance && event.state === state),
    );
  }

  async stop(): Promise<readonly StartFailure[]> {
    this.run?.stop();
    return (await this.run?.ended) ?? [];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.run?.kill();
    await this.run?.ended;
    rmSync(this.directory, { recursive: true, force: true });
  }
}
