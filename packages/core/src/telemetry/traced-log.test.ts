import assert from 'node:assert/strict';
import { it } from 'node:test';
import { createLogger, silentLogger } from './log.ts';
import { spanIdOf, traceIdOf } from './trace-context.ts';
import { traced } from './traced-log.ts';
import { Tracer } from './tracer.ts';

it('lines of a traced log carry the ids of the span, whatever the level, and so do those of its children', () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line));
  const log = createLogger({ service: 'ledger', instance: 'ledger-1', level: 'debug', write });
  const span = new Tracer().start('ledger/hold', 'server', undefined);
  const within = traced(log, span);
  within.debug('1');
  within.info('2', { amount: 5 });
  within.warn('3', { token: 'abc' });
  within.error('4', { error: new Error('broken') });
  within.child({ symbol: 'BTC' }).info('5');
  log.info('6');
  const ids = { trace_id: traceIdOf(span), span_id: spanIdOf(span) };
  assert.deepEqual(
    lines.map(({ msg, trace_id, span_id }) => [msg, trace_id, span_id]),
    [
      ...['1', '2', '3', '4', '5'].map((msg) => [msg, ids.trace_id, ids.span_id]),
      ['6', undefined, undefined],
    ],
  );
  assert.deepEqual([lines[1]!.amount, lines[2]!.token, lines[4]!.symbol], [5, '[redacted]', 'BTC']);
  assert.match(JSON.stringify(lines[3]), /broken/);
});

it('a traced log makes nothing of the ids until a line is written', () => {
  const span = new Tracer().start('ledger/hold', 'server', undefined);
  let children = 0;
  const log = {
    ...silentLogger,
    child() {
      children++;
      return silentLogger;
    },
  };
  const within = traced(log, span);
  assert.equal(children, 0);
  within.info('1');
  within.info('2');
  assert.equal(children, 1);
});
