import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { contenders as brokers } from './broker/contenders.ts';
import type { BrokerRow } from './broker/suite.ts';
import { contenders } from './calls/contenders.ts';
import type { CallsRow } from './calls/suite.ts';
import type { Machine } from './machine.ts';
import type { TelemetryRow } from './telemetry/suite.ts';

const run = promisify(execFile);
const main = join(import.meta.dirname, 'main.ts');

test('the suite calls measures all contenders and reports JSON', async () => {
  const { stdout } = await run(process.execPath, [
    main,
    'calls',
    '--json',
    '--rounds',
    '1',
    '--seconds',
    '0.1',
  ]);
  const report = JSON.parse(stdout) as { suite: string; machine: Machine; rows: CallsRow[] };
  assert.equal(report.suite, 'calls');
  assert.ok(report.machine.cores > 0);
  const names = contenders.filter(({ missing }) => missing?.() === undefined).map(({ name }) => name);
  assert.deepEqual(
    report.rows.map(({ name, inFlight }) => `${name} ${inFlight}`),
    names.flatMap((name) => [`${name} 1`, `${name} 64`]),
  );
  for (const { name, perSecond, p50us, p99us, cpuUsPerOp } of report.rows) {
    for (const figure of [perSecond, p50us, p99us, cpuUsPerOp]) assert.ok(figure > 0, name);
    assert.ok(p99us >= p50us, name);
  }
});

test('the suite broker measures its contenders and reports JSON', async () => {
  const present = brokers.filter(({ missing }) => missing?.() === undefined).map(({ name }) => name);
  const { stdout } = await run(process.execPath, [
    main,
    ...['broker', '--json', '--rounds', '1', '--seconds', '0.1'],
  ]);
  const { rows } = JSON.parse(stdout) as { rows: BrokerRow[] };
  assert.deepEqual([...new Set(rows.map(({ name }) => name))], present);
  for (const { name, what, perSecond, p50us, p99us } of rows) {
    for (const figure of [perSecond, p50us, p99us]) assert.ok(figure > 0, `${name}, ${what}`);
  }
});

test('the suite telemetry measures what spans cost and reports JSON', async () => {
  const { stdout } = await run(process.execPath, [
    main,
    ...['telemetry', '--json', '--rounds', '1', '--seconds', '0.01'],
  ]);
  const { rows } = JSON.parse(stdout) as { rows: TelemetryRow[] };
  assert.ok(rows.some(({ name }) => name.startsWith('2 attributes')));
  for (const { name, nsPerSpan } of rows) assert.ok(nsPerSpan > 0, name);
});

test('without a suite, or with a wrong option, it says what there is', async () => {
  for (const args of [
    [],
    ['nothing'],
    ['calls', '--rounds', 'x'],
    ['calls', '--fast'],
    ['calls', 'nobody'],
    ['survival', 'nothing'],
  ]) {
    await assert.rejects(
      run(process.execPath, [main, ...args]),
      (error: { code: number; stderr: string }) => {
        assert.equal(error.code, 2);
        assert.match(error.stderr, /usage: npm run bench/);
        return true;
      },
    );
  }
});
