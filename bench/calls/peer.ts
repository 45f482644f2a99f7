/**
 * One of the two processes of a measurement, told by its parent over IPC what to do: `serve` starts a contender's
 * server, `connect` its client, `drive` measures. CPU time is that of this process and of those that the contender started.
 */

import { type Drive, drive } from '../drive.ts';
import { answerAsPeer } from '../peer-process.ts';
import { type Connected, ping, type Served } from './contender.ts';
import { contenders } from './contenders.ts';

export type PeerRequest =
  | { readonly type: 'serve'; readonly name: string }
  | { readonly type: 'connect'; readonly name: string; readonly address: string }
  | { readonly type: 'drive'; readonly inFlight: number; readonly seconds: number }
  | { readonly type: 'cpu' }
  | { readonly type: 'close' };

export interface PeerAnswer {
  readonly address?: string;
  readonly drive?: Drive;
  /** Microseconds of CPU so far, user and system, with that of its own children. */
  readonly cpuUs?: number;
  readonly error?: string;
}

let served: Served | undefined;
let connected: Connected | undefined;

async function answer(request: PeerRequest): Promise<PeerAnswer> {
  switch (request.type) {
    case 'serve':
      served = await find(request.name).serve();
      return { address: served.address };
    case 'connect':
      connected = await find(request.name).connect(request.address);
      return {};
    case 'drive':
      return { drive: await drive(callOnce, request.inFlight, request.seconds) };
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system + (served?.otherCpuUs?.() ?? 0) };
    }
    case 'close':
      await connected?.close();
      await served?.close();
      return {};
  }
}

async function callOnce(): Promise<void> {
  const answer = await connected!.call(ping);
  if (answer.n !== ping.n + 1) throw new Error(`a wrong answer: ${JSON.stringify(answer)}`);
}

function find(name: string) {
  const found = contenders.find((contender) => contender.name === name);
  if (!found) throw new Error(`no contender is called ${name}`);
  return found;
}

answerAsPeer(answer);
