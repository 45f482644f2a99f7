import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatTraceparent, parseTraceparent, spanIdOf, traceIdOf } from './trace-context.ts';
import { Tracer, type TracerOptions } from './tracer.ts';

const arrived = parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00')!;

function virtual(options: TracerOptions = {}) {
  const time = { now: 1000, slept: 0 };
  const unixClock = () => 1_700_000_000_000 + time.now + time.slept;
  const tracer = new Tracer({ clock: () => time.now, unixClock, ...options });
  return { time, tracer };
}

describe('a tracer', () => {
  it('tells what a span was, once it has ended', () => {
    const { time, tracer } = virtual();
    const root = tracer.start('ledger/hold', 'server', undefined);
    root.set('rpc.system.name', 'flotilla').set('retries', 2).set('replayed', false);
    time.now += 1.5;
    root.event('queued', { position: 3 });
    assert.deepEqual(tracer.spansOf(traceIdOf(root)), []);
    time.now += 1;
    root.end();
    assert.deepEqual(tracer.spansOf(traceIdOf(root)), [
      {
        traceId: traceIdOf(root),
        spanId: spanIdOf(root),
        localRoot: true,
        sampled: true,
        name: 'ledger/hold',
        kind: 'server',
        startMs: 1_700_000_001_000,
        durationMs: 2.5,
        status: 'unset',
        attributes: { 'rpc.system.name': 'flotilla', retries: 2, replayed: false },
        events: [{ name: 'queued', timeMs: 1_700_000_001_001.5, attributes: { position: 3 } }],
        links: [],
      },
    ]);
  });

  it('goes on with the trace that arrived, and inherits whether it is sampled', () => {
    const { tracer } = virtual();
    const server = tracer.start('ledger/hold', 'server', arrived);
    const client = tracer.start('identity/verify', 'client', server);
    assert.match(formatTraceparent(client), /^00-0af7651916cd43dd8448eb211c80319c-[0-9a-f]{16}-00$/);
    client.end();
    server.end();
    const [first, second] = tracer.spansOf(traceIdOf(arrived));
    assert.deepEqual(
      [first!.parentSpanId, first!.localRoot, first!.sampled],
      ['b7ad6b7169203331', true, false],
    );
    assert.deepEqual([second!.parentSpanId, second!.localRoot], [spanIdOf(server), false]);
  });

  it('gives each span an id of its own', () => {
    const { tracer } = virtual();
    const ids = new Set(
      Array.from({ length: 10_000 }, () => spanIdOf(tracer.start('a', 'internal', arrived))),
    );
    assert.equal(ids.size, 10_000);
    const roots = Array.from({ length: 10_000 }, () => traceIdOf(tracer.start('a', 'internal', undefined)));
    assert.equal(new Set(roots).size, 10_000);
  });

  it('adds the attributes of a template, which those of the span override', () => {
    const { tracer } = virtual();
    const template = tracer.template('ledger/hold', 'client', { 'rpc.method': 'ledger/hold', attempt: 1 });
    const span = template.start(undefined).set('attempt', 2).set('server.address', 'ledger-1');
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.deepEqual(record!.attributes, {
      'rpc.method': 'ledger/hold',
      attempt: 2,
      'server.address': 'ledger-1',
    });
    assert.deepEqual([record!.name, record!.kind], ['ledger/hold', 'client']);
  });

  it('marks a failed span with error.type', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'client', undefined).fail('unavailable', 'ledger-1 is away');
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.deepEqual(
      [record!.status, record!.message, record!.attributes],
      ['error', 'ledger-1 is away', { 'error.type': 'unavailable' }],
    );
  });

  it('takes a failure back when told that all is well', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'client', undefined).fail('unavailable', 'away').succeed();
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.deepEqual([record!.status, record!.message, record!.attributes], ['ok', undefined, {}]);
  });

  it('links a consumer to the producers of its batch', () => {
    const { tracer } = virtual();
    const sent = [1, 2].map(() => tracer.start('orders publish', 'producer', undefined));
    const span = tracer.start('orders process', 'consumer', undefined);
    span.link(sent[0]!).link(sent[1]!, { 'messaging.message.id': 'm2' });
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.deepEqual(record!.links, [
      { traceId: traceIdOf(sent[0]!), spanId: spanIdOf(sent[0]!), attributes: {} },
      {
        traceId: traceIdOf(sent[1]!),
        spanId: spanIdOf(sent[1]!),
        attributes: { 'messaging.message.id': 'm2' },
      },
    ]);
  });

  it('takes times from who has just asked the clock', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'client', undefined, 500);
    span.end(507);
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.deepEqual([record!.startMs, record!.durationMs], [1_700_000_000_500, 7]);
  });

  it('never has a span end before it began', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'client', undefined, 500);
    span.end(499);
    assert.equal(tracer.spansOf(traceIdOf(span))[0]!.durationMs, 0);
  });

  it('lets nothing change a span that has ended', () => {
    const { time, tracer } = virtual();
    const span = tracer.start('a', 'client', undefined);
    span.end();
    time.now += 10;
    span.set('late', 1).event('late').link(arrived).fail('late').rename('late').succeed().end();
    const [record, ...more] = tracer.spansOf(traceIdOf(span));
    assert.equal(more.length, 0);
    assert.deepEqual(
      [record!.durationMs, record!.attributes, record!.events, record!.links, record!.status, record!.name],
      [0, {}, [], [], 'unset', 'a'],
    );
  });

  it('keeps the attributes of a template when a span gets another name', () => {
    const { tracer } = virtual();
    const template = tracer.template('GET', 'server', { 'http.request.method': 'GET', status: 1 });
    const span = template.start(undefined).set('status', 2).rename('GET /v1/orders').set('extra', true);
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.equal(record!.name, 'GET /v1/orders');
    assert.deepEqual(record!.attributes, { 'http.request.method': 'GET', status: 2, extra: true });
  });

  it('bounds what one span may hold, and says how much it dropped', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'internal', undefined);
    for (let index = 0; index < 100; index++) span.set(`key.${index}`, index);
    for (let index = 0; index < 100; index++) span.event(`event ${index}`);
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    assert.equal(Object.keys(record!.attributes).length, 64);
    assert.equal(record!.events.length, 64);
    assert.equal(record!.dropped, 72);
  });

  it('cuts long texts, and drops what still has no room', () => {
    const { tracer } = virtual();
    const span = tracer.start('a', 'internal', undefined);
    for (let index = 0; index < 20; index++) span.set(`key.${index}`, 'é'.repeat(5000));
    span.end();
    const [record] = tracer.spansOf(traceIdOf(span));
    const values = Object.values(record!.attributes);
    assert.ok(values.length > 0);
    for (const value of values) assert.equal(value, 'é'.repeat(2048));
    assert.equal(values.length + record!.dropped!, 20);
  });

  it('survives names without end', () => {
    const { time, tracer } = virtual();
    for (let index = 0; index < 10_000; index++) {
      time.now++;
      tracer.start(`GET /orders/${index}`, 'client', arrived).set(`key.${index}`, 'x').end();
    }
    const spans = tracer.spansOf(traceIdOf(arrived));
    const last = spans.at(-1)!;
    assert.deepEqual(
      [last.name, last.kind, last.attributes],
      ['GET /orders/9999', 'client', { 'key.9999': 'x' }],
    );
  });

  it('survives a name and a code of any length', () => {
    const { time, tracer } = virtual();
    const span = tracer.start('ü'.repeat(10_000), 'client', undefined);
    span.fail('é'.repeat(10_000), 'ä'.repeat(10_000)).set('k'.repeat(10_000), 'ö'.repeat(10_000));
    span.end();
    time.now++;
    const next = tracer.start('next', 'client', span);
    next.end();
    const [record, after] = tracer.spansOf(traceIdOf(span));
    assert.equal(record!.name, 'ü'.repeat(2048));
    assert.equal(after!.name, 'next');
  });

  it('tells a listener of each span, until it is taken off', () => {
    const { tracer } = virtual();
    const heard: number[] = [];
    const off = tracer.onEnd((sequence) => heard.push(sequence));
    const first = tracer.start('a', 'internal', undefined);
    first.end();
    tracer.start('b', 'internal', undefined).end();
    off();
    tracer.start('c', 'internal', undefined).end();
    assert.deepEqual(heard, [0, 1]);
    assert.equal(tracer.read(0)!.spanId, spanIdOf(first));
    assert.equal(tracer.ended, 3);
  });

  it('answers nothing for an id that is none', () => {
    const { tracer } = virtual();
    for (const id of ['', 'abc', '0'.repeat(32), 'x'.repeat(32)]) assert.deepEqual(tracer.spansOf(id), []);
  });

  it('is not misled by a span that says it ends in the far future', () => {
    const { time, tracer } = virtual();
    tracer.start('a', 'internal', undefined).end(1e15);
    time.now += 1;
    const span = tracer.start('b', 'internal', undefined);
    span.end();
    assert.equal(tracer.spansOf(traceIdOf(span))[0]!.startMs, 1_700_000_000_000 + time.now);
  });

  it('follows the wall clock when the machine has slept', () => {
    const { time, tracer } = virtual();
    time.slept = 3_600_000;
    time.now += 60_000;
    const span = tracer.start('a', 'internal', undefined);
    span.end();
    assert.equal(tracer.spansOf(traceIdOf(span))[0]!.startMs, 1_700_000_000_000 + time.now + time.slept);
  });
});
