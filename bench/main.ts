/**
 * `npm run bench -- <suite> [--json] [--rounds N] [--seconds N]`: measures, and prints a table or JSON on standard output;
 * progress goes to standard error.
 */
import { parseArgs } from 'node:util';
import { backlog } from './backlog/suite.ts';
import type { JudgedRow } from './bar.ts';
import { contenders as brokers } from './broker/contenders.ts';
import { type BrokerRow, runBroker } from './broker/suite.ts';
import { contenders } from './calls/contenders.ts';
import { type CallsRow, runCalls, telemetryCostUs } from './calls/suite.ts';
import { runDurability } from './durability/suite.ts';
import { type FleetRow, runFleet } from './fleet/suite.ts';
import { type IdleRow, runIdle } from './idle/suite.ts';
import { describeMachine } from './machine.ts';
import { type OverloadRow, runOverload } from './overload/suite.ts';
import { runScenarios } from './run-scenarios.ts';
import type { Scenario } from './scenario.ts';
import { survival } from './survival/suite.ts';
import { table } from './table.ts';
import { runTelemetry, type TelemetryRow } from './telemetry/suite.ts';

const usage = `usage: npm run bench -- <suite> [--json] [--rounds N] [--seconds N]

  backlog  a consumer that is far behind, and a store of ten million messages: memory, start and latency of the broker; ends
          with 1 when something does not hold
  broker  durable publishes, their way to a handler, and core publish and subscribe, with the official clients: Flotilla's
          broker, nats-server and Redis Streams (where they are installed)
  calls   one call between two processes: Flotilla, a bare framed loop, Moleculer (TCP), NestJS (TCP),
          nats-server (where it is installed), grpc-js
  durability  kills of a broker under 64 publishers, and losses of power (--kills N, --cuts N, --seed N; default 300, 200 and
          another one each time); ends with 1 when something acknowledged is lost or handled twice, or it is not ready in time
  fleet   npm start to the first trade, kill -9 of each service to its return, Ctrl-C to the end
  idle    memory and CPU of all processes of the fleet while there is no load
  overload  a server that is asked for up to ten times what it can do, by callers that do not hold back; ends with 1 when it
            answers less than 90 % of its best then, or refuses later than in 5 ms
  survival  kills, pauses and starves parts of a small fleet under load, and tells whether what must hold does; all of it,
          or the scenarios that are named ('killed replica'); ends with 1 when something does not
  telemetry  one span from start to end, with and without attributes

  --json       JSON on standard output instead of a table
  --rounds N   how often everything takes its turn; medians are reported (default 3)
  --seconds N  length of each measurement (default 3; idle: 20; telemetry: 1; survival: 5, a phase before, during and
               after; the broker is away for six of them; backlog: 60)
`;

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n\n${usage}`);
  process.exit(2);
}

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string' },
        kills: { type: 'string', default: '300' },
        cuts: { type: 'string', default: '200' },
        seed: { type: 'string', default: `${Date.now() % 2 ** 31}` },
        help: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const { values, positionals } = readArguments();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const rounds = Number(values.rounds);
const [suite, ...only] = positionals;
const usualSeconds: Record<string, number> = { idle: 20, telemetry: 1, survival: 5, backlog: 60 };
const seconds = Number(values.seconds ?? usualSeconds[suite ?? ''] ?? 3);
if (!Number.isInteger(rounds) || rounds < 1) refuse(`--rounds ${values.rounds} is not a whole number from 1`);
if (!(seconds > 0 && seconds <= 60)) refuse(`--seconds ${values.seconds} is not between 0 and 60`);
const [kills, cuts, seed] = [values.kills, values.cuts, values.seed].map(Number) as [number, number, number];
for (const [name, value] of Object.entries({ kills, cuts, seed })) {
  if (!Number.isInteger(value) || value < 1) refuse(`--${name} is not a whole number from 1`);
}

const machine = describeMachine();
const talk = (line: string) => process.stderr.write(`${line}\n`);
switch (suite) {
  case 'broker':
    refuseUnknown('contender', brokers);
    print(await runBroker({ only, rounds, seconds, inFlight: [1, 64, 256], talk }), brokerReport);
    break;
  case 'calls':
    refuseUnknown('contender', contenders);
    print(await runCalls({ only, rounds, seconds, inFlight: [1, 64], talk }), callsReport);
    break;
  case 'durability': {
    const rows = await runDurability({ kills, cuts, seed, talk });
    print(rows, judgedReport);
    if (rows.some(({ holds }) => holds === false)) process.exitCode = 1;
    break;
  }
  case 'fleet':
    print(await runFleet({ rounds, talk }), fleetReport);
    break;
  case 'idle':
    print(await runIdle({ rounds, seconds, talk }), idleReport);
    break;
  case 'telemetry':
    print(runTelemetry({ rounds, seconds, talk }), telemetryReport);
    break;
  case 'overload': {
    const rows = await runOverload({ rounds, seconds, talk });
    print(rows, overloadReport);
    if (rows.some(({ holds }) => holds === false)) process.exitCode = 1;
    break;
  }
  case 'survival':
    await play(survival);
    break;
  case 'backlog':
    await play(backlog);
    break;
  default:
    refuse(suite ? `there is no suite '${suite}'` : 'name a suite');
}

/** Ends with 1 when something does not hold. */
async function play(scenarios: readonly Scenario[]): Promise<void> {
  refuseUnknown('scenario', scenarios);
  const rows = await runScenarios(scenarios, { only, rounds, seconds, talk });
  print(rows, judgedReport);
  if (rows.some(({ holds }) => holds === false)) process.exitCode = 1;
}

function refuseUnknown(what: string, all: readonly { readonly name: string }[]): void {
  const unknown = only.find((wanted) => all.every(({ name }) => name !== wanted));
  const known = all.map(({ name }) => `'${name}'`).join(', ');
  if (unknown !== undefined) refuse(`there is no ${what} '${unknown}': there are ${known}`);
}

function print<Row>(rows: readonly Row[], report: (rows: readonly Row[]) => string): void {
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ suite, machine, rows }, null, 2)}\n`);
    return;
  }
  const { cpu, cores, memoryGiB, system, node } = machine;
  const how =
    suite === 'durability' ? `${kills} kills, ${cuts} cuts, seed ${seed}` : `medians of ${rounds} rounds`;
  const where = `${cpu}, ${cores} cores, ${memoryGiB} GiB, ${system}, Node ${node}; ${how}`;
  process.stdout.write(`${report(rows)}\n\n${where}\n`);
}

function brokerReport(rows: readonly BrokerRow[]): string {
  const peer = ({ what, inFlight }: BrokerRow) =>
    rows.find((row) => row.name === 'nats-server' && row.what === what && Object.is(row.inFlight, inFlight));
  const body = rows.map((row) => [
    row.name,
    row.what,
    Number.isNaN(row.inFlight) ? '' : row.inFlight,
    row.perSecond,
    row.p50us,
    row.p99us,
    row.cpuUsPerMessage,
    Number((row.perSecond / (peer(row)?.perSecond ?? Number.NaN)).toFixed(2)),
  ]);
  const header = ['broker', 'what', 'in flight', 'messages/s', 'p50 µs', 'p99 µs', 'CPU µs', '× nats-server'];
  const measured = brokers.filter(({ name }) => rows.some((row) => row.name === name));
  const promises = measured.map(({ name, promise }) => `  ${name}: ${promise}`).join('\n');
  return `${table(header, body)}\n\nAn acknowledgement means:\n${promises}`;
}

function callsReport(rows: readonly CallsRow[]): string {
  const floor = (inFlight: number) =>
    rows.find((row) => row.name === 'bare framed loop' && row.inFlight === inFlight)?.perSecond ?? Number.NaN;
  const body = rows.map((row) => [
    row.name,
    row.inFlight,
    row.perSecond,
    row.p50us,
    row.p99us,
    row.cpuUsPerOp,
    Number((row.perSecond / floor(row.inFlight)).toFixed(2)),
  ]);
  const header = ['contender', 'in flight', 'calls/s', 'p50 µs', 'p99 µs', 'CPU µs/call', '× bare loop'];
  const measured = contenders.filter(({ name }) => rows.some((row) => row.name === name));
  const features = measured.map(({ name, features: on }) => `  ${name}: ${on}`).join('\n');
  const costUs = telemetryCostUs(rows);
  const cost =
    costUs === undefined ? '' : `\n\ntelemetry of one call, client and server: ${costUs} µs of CPU`;
  return `${table(header, body)}\n\n${features}${cost}`;
}

function fleetReport(rows: readonly FleetRow[]): string {
  const body = rows.map(({ name, medianMs, leastMs, mostMs }) => [name, medianMs, leastMs, mostMs]);
  return table(['', 'median ms', 'least', 'most'], body);
}

function idleReport(rows: readonly IdleRow[]): string {
  const body = rows.map(({ name, rssMiB, pssMiB, cpuPercent }) => [name, rssMiB, pssMiB, cpuPercent]);
  return table(['process', 'RSS MiB', 'PSS MiB', 'CPU % of a core'], body);
}

function telemetryReport(rows: readonly TelemetryRow[]): string {
  const body = rows.map(({ name, nsPerSpan, least, most }) => [name, nsPerSpan, least, most]);
  return table(['a span with', 'CPU ns median', 'least', 'most'], body);
}

function overloadReport(rows: readonly OverloadRow[]): string {
  const body = rows.map((row) => [
    row.name,
    row.offeredPerSecond,
    row.answeredPerSecond,
    row.goodputPercent,
    row.p50ms,
    row.p99ms,
    row.refusedPerSecond,
    row.refusalP50ms,
    row.refusalP99ms,
    row.serverCpuPercent,
    row.lost,
    row.holds === undefined ? '' : row.holds ? 'holds' : 'FAILS',
  ]);
  const answers = ['answered/s', 'goodput %', 'p50 ms', 'p99 ms'];
  const refusals = ['refused/s', 'p50 ms', 'p99 ms'];
  return table(['calls × capacity', 'offered/s', ...answers, ...refusals, 'server CPU %', 'lost', ''], body);
}

function judgedReport(rows: readonly JudgedRow[]): string {
  const figure = (value: number) => Number(value.toFixed(value < 10 ? 2 : 0));
  const verdict = (row: JudgedRow) => (row.holds === undefined ? '' : row.holds ? 'holds' : 'FAILS');
  const body = rows.map((row) => [
    row.scenario,
    row.what,
    figure(row.value),
    row.unit,
    row.most === undefined ? '' : `≤ ${row.most}`,
    figure(row.worst),
    verdict(row),
  ]);
  return table(['scenario', 'what', 'value', 'unit', 'bar', 'worst', ''], body);
}
