/** A publishing or a consuming process of a measurement, told by its parent over IPC what to do. */
import { setTimeout as pause } from 'node:timers/promises';
import { type Drive, drive } from '../drive.ts';
import { answerAsPeer } from '../peer-process.ts';
import { percentile } from '../statistics.ts';
import type { BrokerClient, Group } from './contender.ts';
import { contenders } from './contenders.ts';

export type BrokerRequest =
  | { readonly type: 'connect'; readonly name: string; readonly url: string }
  | { readonly type: 'publish'; readonly inFlight: number; readonly seconds: number }
  | { readonly type: 'publish core'; readonly seconds: number }
  | { readonly type: 'consume'; readonly group: Group }
  | { readonly type: 'consume core' }
  /** What was handled since the last time this was asked, once so many messages are there. */
  | { readonly type: 'handled'; readonly atLeast: number }
  | { readonly type: 'cpu' }
  | { readonly type: 'close' };

export interface Handled {
  readonly messages: number;
  /** From the first to the last. */
  readonly seconds: number;
  /** From just before `publish` to the handler. */
  readonly p50us: number;
  readonly p99us: number;
}

export interface BrokerAnswer {
  readonly drive?: Drive;
  /** Messages that were published without an acknowledgement. */
  readonly published?: number;
  readonly handled?: Handled;
  readonly cpuUs?: number;
  /** There is no such thing. */
  readonly isMissing?: boolean;
  readonly error?: string;
}

/** How long messages that were published may be on their way. */
const patienceMs = 60_000;
/** A core publisher waits for the broker after so many. */
const burst = 256;

let client: BrokerClient;
let arrivals: number[] = [];
let firstAt = 0;
let lastAt = 0;

/** Microseconds of a clock that all processes of the machine share. */
function nowUs(): number {
  return Number(process.hrtime.bigint() / 1_000n);
}

function handle(sentUs: number): void {
  lastAt = nowUs();
  if (arrivals.length === 0) firstAt = lastAt;
  arrivals.push(lastAt - sentUs);
}

async function answer(request: BrokerRequest): Promise<BrokerAnswer> {
  switch (request.type) {
    case 'connect':
      client = await contenders.find(({ name }) => name === request.name)!.connect(request.url);
      return {};
    case 'publish':
      return { drive: await drive(() => client.publish(nowUs()), request.inFlight, request.seconds) };
    case 'publish core':
      return { published: await publishCore(request.seconds) };
    case 'consume':
      await client.consume(request.group, handle);
      return {};
    case 'consume core':
      await client.core?.subscribe(handle);
      return { isMissing: client.core === undefined };
    case 'handled':
      return { handled: await takeHandled(request.atLeast) };
    case 'cpu': {
      const { user, system } = process.cpuUsage();
      return { cpuUs: user + system };
    }
    case 'close':
      await client.close();
      return {};
  }
}

async function publishCore(seconds: number): Promise<number> {
  const { core } = client;
  const endAt = performance.now() + seconds * 1_000;
  let published = 0;
  while (performance.now() < endAt) {
    for (let n = 0; n < burst; n++) core!.publish(nowUs());
    published += burst;
    await core!.flush();
  }
  return published;
}

async function takeHandled(atLeast: number): Promise<Handled> {
  const giveUpAt = performance.now() + patienceMs;
  while (arrivals.length < atLeast) {
    if (performance.now() > giveUpAt) throw new Error(`only ${arrivals.length} of ${atLeast} messages came`);
    await pause(10);
  }
  const sorted = Float64Array.from(arrivals).sort();
  arrivals = [];
  return {
    messages: sorted.length,
    seconds: (lastAt - firstAt) / 1e6,
    p50us: percentile(sorted, 50),
    p99us: percentile(sorted, 99),
  };
}

answerAsPeer(answer);
