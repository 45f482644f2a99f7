/**
 * The suite `calls`: throughput, latency and CPU of one call between two processes, ours beside its peers. The peers
 * take turns in every round, so that a machine whose speed drifts treats all alike; medians over the rounds count.
 */
import { join } from 'node:path';
import { PeerProcess } from '../peer-process.ts';
import { median } from '../statistics.ts';
import { contenders } from './contenders.ts';
import { flotilla, flotillaMuted } from './flotilla.ts';
import type { PeerAnswer, PeerRequest } from './peer.ts';

export interface CallsOptions {
  /** Names of contenders; empty: all. */
  readonly only: readonly string[];
  readonly rounds: number;
  /** Seconds of each measurement. */
  readonly seconds: number;
  readonly inFlight: readonly number[];
  readonly talk: (line: string) => void;
}

export interface CallsRow {
  readonly name: string;
  readonly inFlight: number;
  readonly perSecond: number;
  readonly p50us: number;
  readonly p99us: number;
  /** CPU of client and server together. */
  readonly cpuUsPerOp: number;
  /** That of the best round: what the call itself costs, with the least that other work on the machine has added. */
  readonly leastCpuUsPerOp: number;
}

export async function runCalls(options: CallsOptions): Promise<CallsRow[]> {
  const measured = new Map<string, CallsRow[]>();
  const present = contenders.filter(({ name, missing }) => {
    if (options.only.length > 0 && !options.only.includes(name)) return false;
    const reason = missing?.();
    if (reason !== undefined) options.talk(`${name} does not take part: ${reason}`);
    return reason === undefined;
  });
  for (let round = 1; round <= options.rounds; round++) {
    for (const { name } of present) {
      options.talk(`round ${round} of ${options.rounds}: ${name}`);
      for (const row of await measure(name, options)) {
        const key = `${name} ${row.inFlight}`;
        measured.set(key, [...(measured.get(key) ?? []), row]);
      }
    }
  }
  return [...measured.values()].map(middle);
}

/**
 * What spans and metrics of a call cost, in microseconds of CPU: best round against best round, with the most calls in
 * flight, since with few the CPU is that of waking up.
 */
export function telemetryCostUs(rows: readonly CallsRow[]): number | undefined {
  const most = Math.max(...rows.map(({ inFlight }) => inFlight));
  const of = (wanted: string) => rows.find(({ name, inFlight }) => name === wanted && inFlight === most);
  const [heard, muted] = [of(flotilla.name), of(flotillaMuted.name)];
  return heard && muted && round1(heard.leastCpuUsPerOp - muted.leastCpuUsPerOp);
}

function middle(rows: readonly CallsRow[]): CallsRow {
  const of = (field: 'perSecond' | 'p50us' | 'p99us' | 'cpuUsPerOp') => median(rows.map((row) => row[field]));
  const { name, inFlight } = rows[0]!;
  return {
    name,
    inFlight,
    perSecond: Math.round(of('perSecond')),
    p50us: round1(of('p50us')),
    p99us: round1(of('p99us')),
    cpuUsPerOp: round1(of('cpuUsPerOp')),
    leastCpuUsPerOp: round1(Math.min(...rows.map(({ cpuUsPerOp }) => cpuUsPerOp))),
  };
}

function round1(value: number): number {
  return Math.round(value * 10) / 10;
}

type Peer = PeerProcess<PeerRequest, PeerAnswer>;

function createPeer(): Peer {
  return new PeerProcess(join(import.meta.dirname, 'peer.ts'));
}

async function measure(name: string, { inFlight, seconds }: CallsOptions): Promise<CallsRow[]> {
  const server = createPeer();
  const client = createPeer();
  try {
    const { address } = await server.ask({ type: 'serve', name });
    await client.ask({ type: 'connect', name, address: address! });
    const rows: CallsRow[] = [];
    for (const count of inFlight) {
      await client.ask({ type: 'drive', inFlight: count, seconds: Math.min(1, seconds) });
      const before = await cpu(server, client);
      const { drive } = await client.ask({ type: 'drive', inFlight: count, seconds });
      const used = (await cpu(server, client)) - before;
      const { calls, seconds: elapsed, p50us, p99us } = drive!;
      rows.push({
        name,
        inFlight: count,
        perSecond: calls / elapsed,
        p50us,
        p99us,
        cpuUsPerOp: used / calls,
        leastCpuUsPerOp: used / calls,
      });
    }
    await client.ask({ type: 'close' });
    await server.ask({ type: 'close' });
    return rows;
  } finally {
    client.kill();
    server.kill();
  }
}

async function cpu(...peers: Peer[]): Promise<number> {
  const answers = await Promise.all(peers.map((peer) => peer.ask({ type: 'cpu' })));
  return answers.reduce((sum, { cpuUs }) => sum + cpuUs!, 0);
}
