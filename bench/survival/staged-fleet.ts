/**
 * A fleet of real processes without a supervisor: a broker, services by their usual entry, clients. Everything listens on
 * free ports of the loopback, and everything ends with it.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ControlDocument, deriveToken, emptyControl, type Fault, type ProcessMessage } from 'flotilla';
import { freePort } from '../free-port.ts';
import type { ClientQuestions, JoinQuestion } from './client.ts';
import { Conversation } from './conversation.ts';
import type { CrowdQuestions } from './crowd.ts';
import { sumOf } from './metrics-text.ts';
import type { ResilienceReport } from './sightings.ts';

const secret = 'only-for-this-benchmark';
const fleetName = 'bench';

export type Client = Conversation<ClientQuestions>;

export class StagedFleet {
  readonly #directory = mkdtempSync(join(tmpdir(), 'flotilla-bench-'));
  readonly #port: number;
  readonly #services = new Map<string, ServiceProcess>();
  readonly #conversations: { kill(): void }[] = [];
  #broker: ChildProcess | undefined;

  /** Use {@link stage}. */
  constructor(port: number) {
    this.#port = port;
  }

  get natsUrl(): string {
    return `nats://${deriveToken(secret, 'broker')}@127.0.0.1:${this.#port}`;
  }

  get announcements(): string {
    return `flotilla.${fleetName}.announce`;
  }

  async startBroker(): Promise<void> {
    const path = join(import.meta.dirname, 'broker-process.ts');
    const broker = fork(path, [String(this.#port), deriveToken(secret, 'broker')], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#broker = broker;
    await once(broker, 'message');
  }

  async killBroker(): Promise<void> {
    const broker = this.#broker!;
    broker.kill('SIGKILL');
    await once(broker, 'exit');
  }

  /** @param instance `echo-1` */
  async startService(instance: string): Promise<ServiceProcess> {
    const service = new ServiceProcess(instance, {
      ...this.#environment(),
      FLOTILLA_DATA: join(this.#directory, instance),
      FLOTILLA_LOG_LEVEL: 'error',
    });
    this.#services.set(instance, service);
    await service.ready;
    return service;
  }

  /** One that was started. */
  service(instance: string): ServiceProcess {
    return this.#services.get(instance)!;
  }

  async startClient(instance: string): Promise<Client> {
    const client: Client = new Conversation(join(import.meta.dirname, 'client.ts'), this.#environment());
    this.#conversations.push(client);
    await client.ask('join', this.#membership(instance));
    return client;
  }

  /** @param count members `<name>-1`, `<name>-2`, … */
  async startCrowd(name: string, count: number): Promise<void> {
    const path = join(import.meta.dirname, 'crowd.ts');
    const crowd = new Conversation<CrowdQuestions>(path, this.#environment());
    this.#conversations.push(crowd);
    await crowd.ask('join', { ...this.#membership(name), count });
  }

  close(): void {
    for (const conversation of this.#conversations) conversation.kill();
    for (const service of this.#services.values()) service.signal('SIGKILL');
    this.#broker?.kill('SIGKILL');
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #membership(instance: string): JoinQuestion {
    return { instance, fleet: fleetName, secret, natsUrl: this.natsUrl };
  }

  /** Nothing of a fleet in which the benchmark may have been started. */
  #environment(): NodeJS.ProcessEnv {
    const own = Object.entries(process.env).filter(([name]) => !/^(FLOTILLA|OTEL)_/.test(name));
    return {
      ...Object.fromEntries(own),
      FLOTILLA_FLEET: fleetName,
      FLOTILLA_SECRET: secret,
      NATS_URL: this.natsUrl,
    };
  }
}

export async function stage(services: readonly string[]): Promise<StagedFleet> {
  const fleet = new StagedFleet(await freePort());
  try {
    await fleet.startBroker();
    for (const service of services) await fleet.startService(service);
    return fleet;
  } catch (error) {
    fleet.close();
    throw error;
  }
}

/** A service as the supervisor runs it. */
export class ServiceProcess {
  readonly instance: string;
  readonly ready: Promise<void>;
  readonly #child: ChildProcess;
  #admin = '';

  constructor(instance: string, environment: NodeJS.ProcessEnv) {
    this.instance = instance;
    const service = instance.replace(/-\d+$/, '');
    const run = fileURLToPath(import.meta.resolve('flotilla/run'));
    const child = fork(run, [join(import.meta.dirname, 'services', `${service}.ts`)], {
      env: { ...environment, FLOTILLA_SERVICE: service, FLOTILLA_INSTANCE: instance },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#child = child;
    this.ready = new Promise((resolve, reject) => {
      child.on('message', (message: ProcessMessage) => {
        if (message.type === 'fatal') reject(new Error(`${instance}: ${message.message}`));
        if (message.type !== 'ready') return;
        this.#admin = message.admin!;
        resolve();
      });
      child.once('exit', (code) => reject(new Error(`${instance} ended with ${code} before it was ready`)));
    });
  }

  get pid(): number {
    return this.#child.pid!;
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** SIGTERM, and what it takes until the process has ended. */
  async stop(): Promise<void> {
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await exited;
  }

  /** What an operator's `flotilla fault add` or `fault clear` comes to. */
  inject(faults: readonly Fault[]): void {
    const document: ControlDocument = { ...emptyControl, faults: [...faults] };
    this.#child.send({ type: 'control', document });
  }

  async resilience(): Promise<ResilienceReport> {
    return (await this.#get('/resilience')).json() as Promise<ResilienceReport>;
  }

  /** The sum of a metric's series that have all these labels. */
  async metric(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
    const text = await (await this.#get('/metrics')).text();
    return sumOf(text, name, labels);
  }

  async #get(path: string): Promise<Response> {
    const headers = { authorization: `Bearer ${deriveToken(secret, 'admin')}` };
    const response = await fetch(new URL(path, this.#admin), { headers });
    if (!response.ok) throw new Error(`${this.instance}: GET ${path} is answered with ${response.status}`);
    return response;
  }
}
