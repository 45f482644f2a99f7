/** Three `nats-server` processes that are one cluster with JetStream, on free ports of the loopback. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from '@nats-io/transport-node';
import { waitFor } from 'flotilla/testing';

interface Member {
  readonly name: string;
  readonly port: number;
  readonly configuration: string;
  process: ChildProcess | undefined;
}

export class NatsCluster {
  readonly #executable: string;
  readonly #folder: string;
  readonly #members: readonly Member[];

  private constructor(executable: string, folder: string, members: readonly Member[]) {
    this.#executable = executable;
    this.#folder = folder;
    this.#members = members;
  }

  /** Resolves when the cluster has a leader and can have streams with three replicas. */
  static async start(executable: string): Promise<NatsCluster> {
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
    const cluster = new NatsCluster(executable, folder, members);
    try {
      for (const { name } of members) cluster.startMember(name);
      await waitFor(() => cluster.#isWhole(), { timeoutMs: 30_000, what: 'the cluster to be whole' });
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
    member.process = spawn(this.#executable, ['-c', member.configuration], { stdio: 'ignore' });
  }

  /** kill -9. */
  async killMember(name: string): Promise<void> {
    const member = this.#named(name);
    const { process: child } = member;
    member.process = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  /** Name of the member that leads a stream. Throws while there is none. */
  async leaderOf(stream: string): Promise<string> {
    const answer = await this.#ask(`$JS.API.STREAM.INFO.${stream}`);
    const { leader } = (answer.cluster ?? {}) as { leader?: string };
    if (leader === undefined || leader === '') throw new Error(`${stream} has no leader`);
    return leader;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#members.map(({ name }) => this.killMember(name)));
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

/** All of them at the same time, so that they differ. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
