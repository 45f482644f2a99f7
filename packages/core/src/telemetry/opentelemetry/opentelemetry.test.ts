import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, describe, it } from 'node:test';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { parseTraceparent, spanIdOf, traceIdOf } from '../trace-context.ts';
import { Tracer } from '../tracer.ts';
import { type OpenTelemetryRegistration, registerOpenTelemetry } from './index.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

describe('with the OpenTelemetry adapter', () => {
  let tracer: Tracer;
  let registration: OpenTelemetryRegistration;
  /** As an instrumented library would get it; one that was got earlier stays with the tracer it met first. */
  let library: ReturnType<typeof trace.getTracer>;

  beforeEach(() => {
    tracer = new Tracer();
    registration = registerOpenTelemetry(tracer);
    library = trace.getTracer('a-database-driver', '1.2.3');
  });
  afterEach(() => registration.unregister());

  const spansOf = (span: { spanContext(): SpanContext }) => tracer.spansOf(span.spanContext().traceId);

  it('spans of a library are below the span of the handler, also after awaits', async () => {
    const server = tracer.start('ledger/hold', 'server', undefined);
    const handler = async (account: string, amount: number) => {
      await turn();
      return library.startActiveSpan(`SELECT ${account}`, { kind: SpanKind.CLIENT }, async (span) => {
        await turn();
        library.startSpan('fetch').end();
        span.end();
        return amount;
      });
    };
    assert.equal(await tracer.runInSpan(server, handler, 'a', 5), 5);
    server.end();
    const [first, select, fetch] = tracer.spansOf(traceIdOf(server));
    assert.deepEqual([first!.name, select!.name, fetch!.name], ['ledger/hold', 'SELECT a', 'fetch']);
    assert.deepEqual([select!.kind, fetch!.kind], ['client', 'internal']);
    assert.deepEqual([select!.parentSpanId, fetch!.parentSpanId], [first!.spanId, select!.spanId]);
    assert.deepEqual(select!.attributes, {
      'otel.scope.name': 'a-database-driver',
      'otel.scope.version': '1.2.3',
    });
  });

  it('handlers that run at the same time keep apart', async () => {
    const serve = (name: string) => {
      const server = tracer.start(name, 'server', undefined);
      const handler = async () => {
        for (let step = 0; step < 3; step++) await turn();
        library.startSpan(`below ${name}`).end();
        server.end();
      };
      return { server, done: tracer.runInSpan(server, handler, undefined, undefined) };
    };
    const both = [serve('a'), serve('b')];
    for (const { server, done } of both) {
      await done;
      const names = tracer.spansOf(traceIdOf(server)).map(({ name }) => name);
      assert.deepEqual(names, [server.name, `below ${server.name}`]);
    }
  });

  it('our own spans are below the active one of a library', () => {
    const server = tracer.start('ledger/hold', 'server', undefined);
    tracer.runInSpan(
      server,
      () => {
        assert.equal(tracer.parentOr(undefined), server);
        library.startActiveSpan('cache', (span) => {
          tracer.template('identity/verify', 'client').startBelowActive(server).end();
          span.end();
          const other = tracer.start('other', 'server', undefined);
          assert.equal(tracer.parentOr(other), other);
        });
      },
      undefined,
      undefined,
    );
    assert.equal(tracer.parentOr(server), server);
    server.end();
    const [, cache, client] = tracer.spansOf(traceIdOf(server));
    assert.equal(client!.parentSpanId, cache!.spanId);
  });

  it('events, links, attributes and status are those of ours', () => {
    const other = tracer.start('other', 'producer', undefined);
    const link = { traceId: traceIdOf(other), spanId: spanIdOf(other), traceFlags: 1 };
    const span = library.startSpan('query', {
      attributes: { 'db.system.name': 'postgresql', ids: [1, 2], nested: { a: 1 }, none: null, big: 5n },
      links: [{ context: link, attributes: { position: 1 } }],
    });
    span.addEvent('row', { number: 1 }).addLink({ context: { ...link, traceId: 'not an id' } });
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no such table' }).updateName('SELECT');
    assert.equal(span.isRecording(), true);
    span.end();
    assert.equal(span.isRecording(), false);
    const [record] = spansOf(span);
    assert.deepEqual([record!.name, record!.status, record!.message], ['SELECT', 'error', 'no such table']);
    assert.deepEqual(record!.attributes, {
      ...{ 'otel.scope.name': 'a-database-driver', 'otel.scope.version': '1.2.3' },
      ...{ 'db.system.name': 'postgresql', ids: '[1,2]', nested: '{"a":1}', big: '5' },
      'error.type': '_OTHER',
    });
    assert.deepEqual(
      record!.events.map(({ name, attributes }) => ({ name, attributes })),
      [{ name: 'row', attributes: { number: 1 } }],
    );
    assert.deepEqual(record!.links, [
      { traceId: link.traceId, spanId: link.spanId, attributes: { position: 1 } },
    ]);
  });

  it('an exception is an event, and names the error', () => {
    const span = library.startSpan('query');
    span.recordException(new RangeError('too far'));
    span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
    const [record] = spansOf(span);
    assert.equal(record!.attributes['error.type'], 'RangeError');
    const [event] = record!.events;
    assert.equal(event!.name, 'exception');
    assert.equal(event!.attributes['exception.message'], 'too far');
    assert.match(String(event!.attributes['exception.stacktrace']), /opentelemetry\.test/);
  });

  it('the error type that a library sets counts, before and after the status', () => {
    const before = library.startSpan('a').setAttribute('error.type', '42P01');
    before.setStatus({ code: SpanStatusCode.ERROR }).end();
    const after = library.startSpan('b').setStatus({ code: SpanStatusCode.ERROR, message: 'away' });
    after.setAttribute('error.type', 'ECONNRESET').end();
    const ok = library.startSpan('c').setStatus({ code: SpanStatusCode.OK });
    ok.setStatus({ code: SpanStatusCode.ERROR }).end();
    assert.deepEqual(
      [before, after, ok].map((span) => {
        const [{ status, message, attributes }] = spansOf(span) as [ReturnType<typeof spansOf>[0]];
        return [status, message, attributes['error.type']];
      }),
      [
        ['error', undefined, '42P01'],
        ['error', 'away', 'ECONNRESET'],
        ['ok', undefined, undefined],
      ],
    );
  });

  it('times may be given in every form of the API', () => {
    const now = Date.now() - 1000;
    const starts = [new Date(now), now, [Math.floor(now / 1000), (now % 1000) * 1e6] as [number, number]];
    for (const startTime of [...starts, now - performance.timeOrigin]) {
      const span = library.startSpan('a', { startTime });
      span.addEvent('later', now + 5);
      span.end(now + 10);
      const [record] = spansOf(span);
      assert.ok(Math.abs(record!.startMs - now) < 0.01, `${startTime}`);
      assert.ok(Math.abs(record!.durationMs - 10) < 0.01);
      assert.ok(Math.abs(record!.events[0]!.timeMs - now - 5) < 0.01);
    }
  });

  it('a trace goes through the headers of a library, with its state and baggage', () => {
    const headers = {
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      tracestate: 'congo=t61rcWkgMzE',
      baggage: 'user=al%C3%AFce;kind=test , broken, bad=%GG, plan=gold',
    };
    const arrived = propagation.extract(ROOT_CONTEXT, headers);
    assert.equal(propagation.getBaggage(arrived)?.getEntry('user')?.value, 'alïce');
    const server = library.startSpan('GET /', { kind: SpanKind.SERVER }, arrived);
    const sent: Record<string, string> = {};
    propagation.inject(trace.setSpan(arrived, server), sent);
    server.end();
    const [record] = tracer.spansOf('0af7651916cd43dd8448eb211c80319c');
    assert.deepEqual([record!.parentSpanId, record!.localRoot], ['b7ad6b7169203331', true]);
    assert.deepEqual(sent, {
      traceparent: `00-0af7651916cd43dd8448eb211c80319c-${record!.spanId}-01`,
      tracestate: 'congo=t61rcWkgMzE',
      baggage: 'user=al%C3%AFce;kind=test,plan=gold',
    });
    assert.deepEqual(propagation.fields(), ['traceparent', 'tracestate', 'baggage']);
  });

  it('headers that are no trace context begin a new trace', () => {
    const arrived = propagation.extract(ROOT_CONTEXT, { traceparent: 'nonsense', tracestate: 'a=b' });
    assert.equal(trace.getSpan(arrived), undefined);
    const sent = {};
    propagation.inject(arrived, sent);
    assert.deepEqual(sent, {});
  });

  it('a root span leaves the trace of the handler', () => {
    const server = tracer.start(
      'ledger/hold',
      'server',
      parseTraceparent(`00-${'1'.repeat(32)}-${'2'.repeat(16)}-01`),
    );
    const alone = tracer.runInSpan(server, () => library.startSpan('job', { root: true }), 0, 0);
    assert.notEqual(alone.spanContext().traceId, traceIdOf(server));
  });

  it('bound functions and emitters run in their context', () => {
    const span = library.startSpan('request');
    const within = trace.setSpan(ROOT_CONTEXT, span);
    const active = () => trace.getActiveSpan()?.spanContext().spanId;
    const id = span.spanContext().spanId;
    assert.equal(context.bind(within, active)(), id);
    assert.equal(active(), undefined);
    const emitter = context.bind(within, new EventEmitter());
    const heard: (string | undefined)[] = [];
    const listener = () => heard.push(active());
    emitter.on('data', listener).once('data', listener);
    emitter.emit('data');
    emitter.off('data', listener);
    emitter.emit('data');
    assert.deepEqual(heard, [id, id]);
    emitter.once('end', listener).removeListener('end', listener);
    assert.equal(emitter.emit('end'), false);
    const again = trace.setSpan(ROOT_CONTEXT, library.startSpan('later'));
    context.bind(again, emitter).on('data', listener);
    emitter.emit('data');
    assert.equal(heard.at(-1), trace.getSpan(again)!.spanContext().spanId);
    emitter.off('data', listener);
    assert.equal(emitter.listenerCount('data'), 0);
  });

  it('nobody can register a second one, and what is there stays', () => {
    assert.throws(() => registerOpenTelemetry(new Tracer()), { code: 'conflict' });
    const span = library.startSpan('still here');
    span.end();
    assert.equal(spansOf(span).length, 1);
  });

  it('nothing is left when it is taken off', () => {
    registration.unregister();
    const server = tracer.start('a', 'server', undefined);
    assert.equal(
      tracer.runInSpan(server, (one: number, two: number) => one + two, 1, 2),
      3,
    );
    assert.equal(tracer.activeSpans, undefined);
    assert.equal(trace.getTracer('a').startSpan('b').isRecording(), false);
    registration = registerOpenTelemetry(tracer);
  });
});
