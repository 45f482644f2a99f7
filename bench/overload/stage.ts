/** The processes of the benchmark: the server, and its callers, which share a load among them. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { percentile } from '../statistics.ts';
import type { OpenLoad, Outcomes } from './open-loop.ts';
import type { PeerAnswer, PeerRequest } from './peer.ts';

const callers = 2;

/** What became of a load, in calls a second and milliseconds. */
export interface Measured {
  readonly offered: number;
  readonly answered: number;
  readonly refused: number;
  readonly lost: number;
  readonly p50ms: number;
  readonly p99ms: number;
  readonly refusalP50ms: number;
  readonly refusalP99ms: number;
  readonly cpuPercent: number;
}

export class Stage {
  readonly #server: Peer;
  readonly #callers: readonly Peer[];

  constructor(server: Peer, peers: readonly Peer[]) {
    this.#server = server;
    this.#callers = peers;
  }

  static async open(): Promise<Stage> {
    const stage = new Stage(
      new Peer(),
      Array.from({ length: callers }, () => new Peer()),
    );
    const { broker, address } = await stage.#server.ask({ type: 'serve' });
    for (const [index, caller] of stage.#callers.entries()) {
      const name = `caller-${index + 1}`;
      await caller.ask({ type: 'connect', broker: broker!, address: address!, name });
    }
    return stage;
  }

  /** What became of each of the loads, offered together. */
  async offer(loads: readonly OpenLoad[], seconds: number): Promise<Measured[]> {
    const shares = loads.map((load) => ({ ...load, perSecond: load.perSecond / callers }));
    const startedAt = performance.now();
    const before = await this.#cpuMs();
    const answers = await Promise.all(
      this.#callers.map((caller) => caller.ask({ type: 'offer', loads: shares, seconds })),
    );
    const cpuPercent = (100 * ((await this.#cpuMs()) - before)) / (performance.now() - startedAt);
    return loads.map(({ perSecond }, index) =>
      summary(
        perSecond,
        answers.map(({ outcomes }) => outcomes![index]!),
        seconds,
        cpuPercent,
      ),
    );
  }

  async #cpuMs(): Promise<number> {
    return (await this.#server.ask({ type: 'cpu' })).cpuMs!;
  }

  async close(): Promise<void> {
    const peers = [...this.#callers, this.#server];
    for (const peer of peers) await peer.ask({ type: 'close' }).finally(() => peer.kill());
  }
}

function summary(offered: number, all: readonly Outcomes[], seconds: number, cpuPercent: number): Measured {
  const answered = Float64Array.from(all.flatMap((outcomes) => outcomes.answered)).sort();
  const refused = Float64Array.from(all.flatMap((outcomes) => outcomes.refused)).sort();
  return {
    offered,
    answered: answered.length / seconds,
    refused: refused.length / seconds,
    lost: all.reduce((sum, { lost }) => sum + lost.length, 0),
    p50ms: percentile(answered, 50),
    p99ms: percentile(answered, 99),
    refusalP50ms: percentile(refused, 50),
    refusalP99ms: percentile(refused, 99),
    cpuPercent,
  };
}

/** A child process that answers one request after the other. */
class Peer {
  readonly #child: ChildProcess = fork(join(import.meta.dirname, 'peer.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
  });

  ask(request: PeerRequest): Promise<PeerAnswer> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) =>
        reject(new Error(`a benchmark process ended with code ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (answer: PeerAnswer) => {
        this.#child.off('exit', onExit);
        if (answer.error) reject(new Error(answer.error));
        else resolve(answer);
      });
      this.#child.send(request);
    });
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}
