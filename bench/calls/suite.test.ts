import assert from 'node:assert/strict';
import { test } from 'node:test';
import { flotilla, flotillaMuted } from './flotilla.ts';
import { type CallsRow, telemetryCostUs } from './suite.ts';

const row = (name: string, inFlight: number, leastCpuUsPerOp: number): CallsRow => ({
  ...{ name, inFlight, leastCpuUsPerOp },
  ...{ perSecond: 1, p50us: 1, p99us: 1, cpuUsPerOp: 100 },
});

test('telemetry costs what a call takes more with it, with the most calls in flight', () => {
  const rows = [
    row(flotilla.name, 1, 140.25),
    row(flotilla.name, 64, 14),
    row(flotillaMuted.name, 1, 138),
    row(flotillaMuted.name, 64, 12.5),
  ];
  assert.equal(telemetryCostUs(rows), 1.5);
});

test('without calls with muted telemetry nothing is said', () => {
  assert.equal(telemetryCostUs([row(flotilla.name, 1, 140)]), undefined);
});
