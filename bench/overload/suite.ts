/**
 * The suite `overload`: a server that is asked for ten times what it can do. Its callers are open-loop, in processes of
 * their own, and do not hold back: what the server answers then, against what it answers at its best, is all its own merit.
 */
import { median } from '../statistics.ts';
import { capacity } from './service.ts';
import { type Measured, Stage } from './stage.ts';

export interface OverloadOptions {
  readonly rounds: number;
  /** Seconds of each measurement, after a second to warm up. */
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

export interface OverloadRow {
  readonly name: string;
  readonly offeredPerSecond: number;
  readonly answeredPerSecond: number;
  /** Answered at this load as a share of the most answered at any load; of what was offered for the important calls. */
  readonly goodputPercent: number;
  readonly p50ms: number;
  readonly p99ms: number;
  readonly refusedPerSecond: number;
  readonly refusalP50ms: number;
  readonly refusalP99ms: number;
  /** Of a core, that the server got: on a machine that does other things too, less than it could use. */
  readonly serverCpuPercent: number;
  /** Neither answered nor refused. */
  readonly lost: number;
  /** Undefined where nothing must hold. */
  readonly holds: boolean | undefined;
}

const leastGoodputPercent = 90;
const mostRefusalMs = 5;
const leastImportantPercent = 99;

export async function runOverload(options: OverloadOptions): Promise<OverloadRow[]> {
  const rounds = new Map<string, Measured[]>();
  for (let round = 1; round <= options.rounds; round++) {
    options.talk(`round ${round} of ${options.rounds}`);
    for (const [name, measured] of await measureOnce(options)) {
      rounds.set(name, [...(rounds.get(name) ?? []), measured]);
    }
  }
  return judge(new Map([...rounds].map(([name, all]) => [name, middle(all)])));
}

async function measureOnce({ seconds, talk }: OverloadOptions): Promise<Map<string, Measured>> {
  const stage = await Stage.open();
  const measured = new Map<string, Measured>();
  try {
    for (const operation of ['compute', 'query'] as const) {
      for (const factor of [0.8, 1, 2, 10]) {
        const name = `${operation} × ${factor}`;
        talk(`  ${name}`);
        const load = { operation: `overload.${operation}`, perSecond: capacity[operation] * factor };
        measured.set(name, (await stage.offer([load], seconds))[0]!);
      }
    }
    talk('  important calls among ten times too many others');
    const [orders, reports] = await stage.offer(
      [
        { operation: 'overload.order', perSecond: capacity.compute * 0.3 },
        { operation: 'overload.report', perSecond: capacity.compute * 10 },
      ],
      seconds,
    );
    measured.set('order × 0.3', orders!);
    measured.set('report × 10', reports!);
  } finally {
    await stage.close();
  }
  return measured;
}

function judge(measured: ReadonlyMap<string, Measured>): OverloadRow[] {
  return [...measured].map(([name, values]) => {
    const [operation] = name.split(' ');
    const peers = [...measured].filter(([other]) => other.startsWith(`${operation} `));
    const peak =
      operation === 'order' ? values.offered : Math.max(...peers.map(([, { answered }]) => answered));
    const goodputPercent = (100 * values.answered) / peak;
    return {
      name,
      offeredPerSecond: Math.round(values.offered),
      answeredPerSecond: Math.round(values.answered),
      goodputPercent: Math.round(goodputPercent),
      p50ms: round1(values.p50ms),
      p99ms: round1(values.p99ms),
      refusedPerSecond: Math.round(values.refused),
      refusalP50ms: round1(values.refusalP50ms),
      refusalP99ms: round1(values.refusalP99ms),
      serverCpuPercent: Math.round(values.cpuPercent),
      lost: values.lost,
      holds: holds(name, goodputPercent, values),
    };
  });
}

function holds(name: string, goodputPercent: number, { refusalP99ms, lost }: Measured): boolean | undefined {
  if (name.startsWith('order')) return goodputPercent >= leastImportantPercent;
  if (name.startsWith('report')) return refusalP99ms < mostRefusalMs;
  if (!name.endsWith('× 10')) return undefined;
  return goodputPercent >= leastGoodputPercent && refusalP99ms < mostRefusalMs && lost === 0;
}

function middle(rounds: readonly Measured[]): Measured {
  const of = (field: keyof Measured) => median(rounds.map((round) => round[field]));
  return {
    offered: of('offered'),
    answered: of('answered'),
    refused: of('refused'),
    lost: Math.max(...rounds.map(({ lost }) => lost)),
    p50ms: of('p50ms'),
    p99ms: of('p99ms'),
    refusalP50ms: of('refusalP50ms'),
    refusalP99ms: of('refusalP99ms'),
    cpuPercent: of('cpuPercent'),
  };
}

function round1(value: number): number {
  return Number.isNaN(value) ? 0 : Math.round(value * 10) / 10;
}
