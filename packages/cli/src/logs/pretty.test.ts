import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { painted } from '../output/colour.ts';
import { prettyEntry } from './pretty.ts';

const time = new Date(2026, 0, 2, 3, 4, 5).toISOString();
const base = { time, level: 'info', service: 'risk', instance: 'risk-1' } as const;

describe('a log line for people', () => {
  it('begins with time, instance and level, and ends with the other fields', () => {
    const line = prettyEntry({ ...base, msg: 'held', account: 'a1', amount: 5, note: 'two words' }, 8);
    assert.equal(line, '03:04:05 risk-1   INFO  held account=a1 amount=5 note="two words"\n');
  });

  it('shows the stack of an error below', () => {
    const error = { message: 'x', stack: 'Error: x\n    at y' };
    const lines = prettyEntry({ ...base, level: 'error', msg: 'failed', error }, 6).split('\n');
    assert.deepEqual(
      lines.map((line) => line.trim()),
      ['03:04:05 risk-1 ERROR failed', 'Error: x', 'at y', ''],
    );
  });

  it('shows what caused an error', () => {
    const cause = { type: 'Error', message: 'y', stack: 'Error: y\n    at b' };
    const error = { type: 'Error', message: 'x', stack: 'Error: x\n    at a', cause };
    const lines = prettyEntry({ ...base, level: 'error', msg: 'failed', error }, 6).split('\n');
    assert.deepEqual(
      lines.slice(1).map((line) => line.trim()),
      ['Error: x', 'at a', 'caused by Error: y', 'at b', ''],
    );
  });

  it('has one line for an error without a stack', () => {
    const error = { type: 'FlotillaError', message: 'ledger is away', code: 'unavailable' };
    const line = prettyEntry({ ...base, level: 'warn', msg: 'waiting', error }, 6);
    assert.equal(line, '03:04:05 risk-1 WARN  waiting error="ledger is away"\n');
  });

  it('lines up the lines of a long message', () => {
    const [first, second] = prettyEntry({ ...base, msg: 'one\ntwo' }, 6).split('\n');
    assert.equal(first?.indexOf('one'), second?.indexOf('two'));
  });

  it('does not let a message drive the terminal', () => {
    const line = prettyEntry({ ...base, msg: '\x1b[2Jgone\r', x: '\x9b' }, 6);
    assert.equal(line, '03:04:05 risk-1 INFO  \\x1b[2Jgone\\x0d x=\\x9b\n');
  });

  it('colours only where it is asked to', () => {
    assert.ok(!prettyEntry({ ...base, msg: 'x' }, 6).includes('\x1b'));
    assert.ok(prettyEntry({ ...base, msg: 'x' }, 6, painted).includes('\x1b[32mINFO'));
  });
});
