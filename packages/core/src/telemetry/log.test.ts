import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger } from './log.ts';

function capture(level?: 'debug') {
  const lines: Record<string, unknown>[] = [];
  const log = createLogger({
    service: 'ledger',
    instance: 'ledger-1',
    ...(level ? { level } : {}),
    write: (line) => lines.push(JSON.parse(line)),
  });
  return { lines, log };
}

test('a line is JSON with time, level, service, instance and fields', () => {
  const { lines, log } = capture();
  log.info('booked', { amount: '5' });
  const [line] = lines;
  assert.ok(!Number.isNaN(Date.parse(String(line!.time))));
  assert.deepEqual(
    {
      level: line!.level,
      service: line!.service,
      instance: line!.instance,
      msg: line!.msg,
      amount: line!.amount,
    },
    { level: 'info', service: 'ledger', instance: 'ledger-1', msg: 'booked', amount: '5' },
  );
});

test('lines below the level are left out', () => {
  const { lines, log } = capture();
  log.debug('detail');
  assert.equal(lines.length, 0);
  const verbose = capture('debug');
  verbose.log.debug('detail');
  assert.equal(verbose.lines.length, 1);
});

test('values under secret names are replaced, also one level down', () => {
  const { lines, log } = capture();
  log.warn('refused', { token: 'abc', request: { authorization: 'Bearer abc' } });
  assert.doesNotMatch(JSON.stringify(lines), /abc/);
});

test('errors carry their causes', () => {
  const { lines, log } = capture();
  log.error('failed', { error: new Error('outer', { cause: new Error('inner') }) });
  assert.match(JSON.stringify(lines), /outer/);
  assert.match(JSON.stringify(lines), /inner/);
});

test('an error that a retry may cure has no stack, any other has one', () => {
  const { lines, log } = capture();
  const error = Object.assign(new Error('ledger is away'), { code: 'unavailable' });
  log.warn('away', { error: Object.defineProperty(error, 'retryable', { get: () => true }) });
  log.warn('broken', { error: new Error('a defect') });
  const [away, broken] = lines.map((line) => line.error as Record<string, unknown>);
  assert.equal(away!.message, 'ledger is away');
  assert.equal(away!.code, 'unavailable');
  assert.equal('stack' in away!, false);
  assert.match(String(broken!.stack), /a defect/);
});

test('a child adds its fields to every line', () => {
  const { lines, log } = capture();
  log.child({ symbol: 'BTC-USD' }).info('halted');
  assert.equal(lines[0]!.symbol, 'BTC-USD');
});
