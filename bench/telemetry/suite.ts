/**
 * What a span costs from start to end, in CPU time of the process, the garbage collector included. Each case takes its
 * turn in every round, so that what else the machine does falls on all of them.
 */
import { type Span, Tracer } from 'flotilla';
import { median } from '../statistics.ts';

export interface TelemetryRow {
  readonly name: string;
  /** Medians over the rounds. */
  readonly nsPerSpan: number;
  /** Fewest and most over the rounds. */
  readonly least: number;
  readonly most: number;
}

export interface TelemetryOptions {
  readonly rounds: number;
  /** Length of each measurement. */
  readonly seconds: number;
  readonly talk: (line: string) => void;
}

interface Case {
  readonly name: string;
  /** Starts and ends so many spans. */
  run(count: number): void;
}

const BATCH = 1000;

export function runTelemetry({ rounds, seconds, talk }: TelemetryOptions): TelemetryRow[] {
  const measured = new Map(cases().map((one) => [one, [] as number[]]));
  for (const one of measured.keys()) spend(one, Math.min(0.5, seconds));
  for (let round = 1; round <= rounds; round++) {
    for (const [one, figures] of measured) {
      talk(`round ${round} of ${rounds}: ${one.name}`);
      figures.push(spend(one, seconds));
    }
  }
  return [...measured].map(([{ name }, figures]) => ({
    name,
    nsPerSpan: Math.round(median(figures)),
    least: Math.round(Math.min(...figures)),
    most: Math.round(Math.max(...figures)),
  }));
}

/** Nanoseconds a span. */
function spend(one: Case, seconds: number): number {
  const begin = performance.now();
  let spans = 0;
  const before = process.cpuUsage();
  while (performance.now() - begin < seconds * 1000) {
    one.run(BATCH);
    spans += BATCH;
  }
  const { user, system } = process.cpuUsage(before);
  return ((user + system) * 1e3) / spans;
}

function cases(): Case[] {
  const tracer = new Tracer();
  const fixed = { 'rpc.system.name': 'flotilla', 'rpc.method': 'ledger/hold' };
  const client = tracer.template('ledger/hold', 'client', fixed);
  const server = tracer.template('orders/place', 'server', fixed);
  const address = '10.1.2.3:43211';
  const each = (name: string, one: (index: number, root: Span) => void): Case => ({
    name,
    run(count) {
      const root = server.start(undefined);
      for (let index = 1; index < count; index++) one(index, root);
      root.end();
    },
  });
  return [
    each('the clock, asked twice', () => {
      performance.now();
      performance.now();
    }),
    each('no attributes', (_index, root) => client.start(root).end()),
    each('no attributes, times given', (index, root) => client.start(root, index).end(index)),
    each('2 attributes (a text, a number)', (index, root) =>
      client.start(root).set('server.address', address).set('flotilla.attempt', index).end(),
    ),
    each('6 attributes (3 texts, 3 numbers)', (index, root) =>
      client
        .start(root)
        .set('server.address', address)
        .set('flotilla.attempt', index)
        .set('flotilla.target', 'ledger-1')
        .set('flotilla.latency', 1.5)
        .set('flotilla.zone', 'zone-a')
        .set('flotilla.in_flight', index)
        .end(),
    ),
    each('a trace of its own', () => server.start(undefined).end()),
    each('1 in 100 fails', (index, root) => {
      const span = client.start(root);
      if (index % 100 === 0) span.fail('unavailable');
      span.end();
    }),
  ];
}
