/** Three `nats-server` processes that are one cluster with JetStream, on free ports of the loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { waitFor } from '../../testing/wait-for.ts';
import { natsServer, type TestBroker } from './nats-server.ts';

interface Member {
  readonly name: string;
  readonly port: number;
  readonly configuration: string;
  process: ChildProcess | undefined;
}

/** Where a stream is, as its information says. */
interface StreamPlace {
  readonly leader?: string;
  readonly replicas?: readonly { readonly current: boolean }[];
}

/** As a broker: kill, end and start are those of all members at a time. */
export class NatsCluster implements TestBroker {
  readonly #folder: string;
  readonly #members: readonly Member[];

  private constructor(folder: string, members: readonly Member[]) {
    this.#folder = folder;
    this.#members = members;
  }

  /** Resolves when the cluster has a leader and can have streams with three replicas. */
  static async start(): Promise<NatsCluster> {
    const folder = mkdtempSync(join(tmpdir(), 'flotilla-nats-cluster-'));
    const ports = await freePorts(6);
    const routes = ports.slice(3).map((port) => `nats://127.0.0.1:${port}`);
    const members = ['one', 'two', 'three'].map((name, index): Member => {
      const configuration = join(folder, `${name}.conf`);
      writeFileSync(
        configuration,
        `server_name: ${name}
         listen: "127.0.0.1:${ports[index]}"
         jetstream { store_dir: ${JSON.stringify(join(folder, name))} }
         cluster { name: cluster, listen: "127.0.0.1:${ports[index + 3]}", routes: ${JSON.stringify(routes)} }`,
      );
      return { name, port: ports[index]!, configuration, process: undefined };
    });
    const cluster = new NatsCluster(folder, members);
    try {
      await cluster.start();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** For a client: all of them. */
  get servers(): string[] {
    return this.#members.map(({ port }) => `127.0.0.1:${port}`);
  }

  /** As one URL list, for `NATS_URL`. */
  get url(): string {
    return this.servers.map((server) => `nats://${server}`).join(',');
  }

  /** Starts it, again if it has been killed, on what it has stored. */
  startMember(name: string): void {
    const member = this.#named(name);
    member.process = spawn(natsServer!, ['-c', member.configuration], { stdio: 'ignore' });
  }

  /** kill -9. */
  killMember(name: string): Promise<void> {
    return endProcess(this.#named(name), 'SIGKILL');
  }

  /** Asks it to end, as an operator does: the others know that it has gone. */
  stopMember(name: string): Promise<void> {
    return endProcess(this.#named(name), 'SIGTERM');
  }

  /** Name of the member that leads a stream. Throws while there is none. */
  async leaderOf(stream: string): Promise<string> {
    const { leader } = await this.#placeOf(stream);
    if (leader === undefined || leader === '') throw new Error(`${stream} has no leader`);
    return leader;
  }

  /** Whether all members have all of a stream: then any of them can be lost. */
  async hasAllReplicas(stream: string): Promise<boolean> {
    const { replicas = [] } = await this.#placeOf(stream);
    return replicas.length === this.#members.length - 1 && replicas.every(({ current }) => current);
  }

  /** Resolves when a stream with three replicas can be made. */
  async start(): Promise<void> {
    for (const { name } of this.#members) this.startMember(name);
    await waitFor(() => this.#isWhole(), { timeoutMs: 30_000, what: 'the cluster to be whole' });
  }

  async kill(): Promise<void> {
    await Promise.all(this.#members.map((member) => endProcess(member, 'SIGKILL')));
  }

  async end(): Promise<void> {
    await Promise.all(this.#members.map((member) => endProcess(member, 'SIGTERM')));
  }

  async wipe(): Promise<void> {
    for (const { name } of this.#members) rmSync(join(this.#folder, name), { recursive: true, force: true });
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true });
  }

  /** Whether a stream with three replicas can be made: JetStream says so only when everyone has found the others. */
  async #isWhole(): Promise<boolean> {
    const request = { name: 'whole', storage: 'memory', num_replicas: 3 };
    const { error } = await this.#ask('$JS.API.STREAM.CREATE.whole', JSON.stringify(request));
    if (error !== undefined) return false;
    await this.#ask('$JS.API.STREAM.DELETE.whole');
    return true;
  }

  async #placeOf(stream: string): Promise<StreamPlace> {
    const { cluster } = await this.#ask(`$JS.API.STREAM.INFO.${stream}`);
    return (cluster ?? {}) as StreamPlace;
  }

  async #ask(subject: string, body = ''): Promise<Record<string, unknown>> {
    const nc = await connect({ servers: this.servers, timeout: 2_000 });
    try {
      return (await nc.request(subject, body, { timeout: 5_000 })).json();
    } finally {
      await nc.close();
    }
  }

  #named(name: string): Member {
    const member = this.#members.find((one) => one.name === name);
    if (member === undefined) throw new Error(`the cluster has no member '${name}'`);
    return member;
  }
}

async function endProcess(member: Member, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  const { process: child } = member;
  member.process = undefined;
  if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  await exited;
}

/** All of them at the same time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
