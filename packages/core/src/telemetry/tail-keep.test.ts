import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseTraceparent, traceIdOf } from './trace-context.ts';
import { Tracer } from './tracer.ts';

const arrived = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')!;

function virtual() {
  const time = { now: 1000 };
  const unixClock = () => 1_700_000_000_000 + time.now;
  const tracer = new Tracer({ capacity: 16, clock: () => time.now, unixClock });
  /** Ends so many other spans that the ring turns over several times. */
  const turnOver = () => {
    for (let index = 0; index < 100; index++) tracer.start('other', 'server', undefined).end();
  };
  const namesOf = (traceId: string) => tracer.spansOf(traceId).map(({ name }) => name);
  return { time, tracer, turnOver, namesOf };
}

describe('tail-keep', () => {
  it('keeps a failed trace while the ring turns over many times', () => {
    const { time, tracer, turnOver, namesOf } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    time.now++;
    const child = tracer.start('ledger/hold', 'client', root);
    child.fail('unavailable').end();
    root.fail('unavailable').end();
    turnOver();
    assert.deepEqual(namesOf(traceIdOf(root)), ['orders/place', 'ledger/hold']);
    assert.deepEqual(tracer.recent(), [
      {
        ...{ traceId: traceIdOf(root), name: 'orders/place', kind: 'server', startMs: 1_700_000_001_000 },
        ...{ durationMs: 1, reason: 'error', code: 'unavailable', spans: 2 },
      },
    ]);
  });

  it('keeps a trace of which only a part failed, and says with what', () => {
    const { tracer, turnOver } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    tracer.start('ledger/hold', 'client', root).fail('overloaded').end();
    tracer.start('ledger/hold', 'client', root).end();
    root.end();
    turnOver();
    assert.deepEqual(
      tracer.recent().map(({ reason, code, spans }) => ({ reason, code, spans })),
      [{ reason: 'error', code: 'overloaded', spans: 3 }],
    );
  });

  it('does not keep a trace because a part of it was cancelled', () => {
    const { tracer } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    tracer.start('ledger/hold', 'client', root).fail('cancelled').end();
    root.end();
    assert.deepEqual(tracer.recent(), []);
    tracer.start('orders/place', 'server', undefined).fail('cancelled').end();
    assert.equal(tracer.recent()[0]!.code, 'cancelled');
  });

  it('keeps a slow trace with the spans that the ring lost before it ended', () => {
    const { time, tracer, turnOver, namesOf } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    time.now++;
    tracer.start('risk/check', 'client', root).end();
    turnOver();
    time.now += 3000;
    root.end();
    turnOver();
    assert.deepEqual(namesOf(traceIdOf(root)), ['orders/place', 'risk/check']);
    assert.deepEqual(
      tracer.recent({ reason: 'slow' }).map(({ durationMs }) => durationMs),
      [3001],
    );
  });

  it('keeps what ends after the first span of a kept trace', () => {
    const { time, tracer, turnOver, namesOf } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    time.now++;
    const late = tracer.start('ledger/hold', 'client', root);
    root.fail('deadline_exceeded').end();
    turnOver();
    late.end();
    turnOver();
    assert.deepEqual(namesOf(traceIdOf(root)), ['orders/place', 'ledger/hold']);
  });

  it('keeps the other visits of a kept trace to this process, before and after', () => {
    const { time, tracer, turnOver, namesOf } = virtual();
    const visit = (name: string, code?: string) => {
      const server = tracer.start(name, 'server', arrived, time.now++);
      tracer.start(`${name} below`, 'client', server, time.now++).end();
      if (code) server.fail(code);
      server.end();
    };
    visit('first');
    visit('second', 'internal');
    turnOver();
    visit('third');
    turnOver();
    assert.deepEqual(namesOf(traceIdOf(arrived)), [
      ...['first', 'first below', 'second', 'second below', 'third', 'third below'],
    ]);
  });

  it('leaves ordinary traces to the ring', () => {
    const { tracer, turnOver, namesOf } = virtual();
    const root = tracer.start('orders/place', 'server', undefined);
    root.end();
    assert.deepEqual(tracer.recent(), []);
    assert.deepEqual(
      tracer.recent({ reason: 'recent' }).map(({ traceId, reason, spans }) => ({ traceId, reason, spans })),
      [{ traceId: traceIdOf(root), reason: 'recent', spans: 1 }],
    );
    turnOver();
    assert.deepEqual(namesOf(traceIdOf(root)), []);
  });

  it('finds the rare error after a flood of another', () => {
    const { time, tracer } = virtual();
    const rare = tracer.start('depository/lock', 'server', undefined);
    rare.fail('internal').end();
    for (let index = 0; index < 20_000; index++) {
      time.now += 10;
      tracer.start('ledger/hold', 'server', undefined).fail('unavailable').end();
    }
    assert.equal(tracer.spansOf(traceIdOf(rare)).length, 1);
    assert.equal(tracer.recent({ name: 'depository' }).length, 1);
    assert.equal(tracer.recent({ limit: 1000 }).length, 128);
  });
});
