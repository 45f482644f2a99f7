import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FlowControl } from './flow-control.ts';

const MIB = 1024 * 1024;

test('asks when half of the window is used, stalls when all of it is, goes on with the answer', () => {
  const flow = new FlowControl();
  assert.equal(flow.sent(MIB), false);
  assert.equal(flow.sent(1), true);
  flow.ask('q1');
  assert.equal(flow.sent(MIB - 1), false);
  assert.equal(flow.isStalled, false);
  flow.sent(1);
  assert.equal(flow.isStalled, true);
  assert.equal(flow.answered('q0'), false);
  assert.equal(flow.isStalled, true);
  assert.equal(flow.answered('q1'), true);
  assert.equal(flow.isStalled, false);
  assert.equal(flow.question, '');
});

test('the window doubles with every answer, up to 32 MiB', () => {
  const flow = new FlowControl();
  for (let round = 0; round < 10; round++) {
    while (!flow.sent(MIB / 4));
    flow.ask(`q${round}`);
    flow.answered(`q${round}`);
  }
  let sent = 0;
  while (!flow.isStalled) {
    flow.sent(MIB);
    sent++;
  }
  assert.equal(sent, 33);
});
