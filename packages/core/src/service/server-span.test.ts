import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import { z } from 'zod';
import { contract, operation, stream } from '../contract/index.ts';
import { platformError } from '../errors/index.ts';
import { attempt } from '../rpc/client.ts';
import type { LogFields, Logger } from '../telemetry/log.ts';
import type { SpanRecord } from '../telemetry/span-record.ts';
import { spanIdOf, traceIdOf } from '../telemetry/trace-context.ts';
import { TestFleet } from '../testing/test-fleet.ts';
import { waitFor } from '../testing/wait-for.ts';
import { service } from './service.ts';

const Ledger = contract('ledger', {
  hold: operation({ errors: { insufficient_funds: z.object({}) } }),
});

const Desk = contract('desk', {
  order: operation(),
  missing: operation(),
  broken: operation(),
  stubborn: operation(),
  compute: operation(),
  watch: operation({ output: stream(z.int()) }),
  refused: operation(),
  relayed: operation(),
});

let stubborn = Promise.withResolvers<void>();

const ledger = service(Ledger, {
  operations: {
    hold(_input, { idempotencyKey }) {
      if (idempotencyKey === 'poor') throw Ledger.hold.error('insufficient_funds', {});
      if (idempotencyKey === 'busy') {
        throw platformError('overloaded', 'busy', { data: { executed: 'no' }, retryAfterMs: 70 });
      }
    },
  },
});

const desk = service(Desk, {
  uses: { Ledger },
  operations: {
    async order(_input, { clients, trace, log }) {
      trace.set('order.id', 'o-1');
      log.info('ordering');
      await clients.Ledger.hold();
    },
    missing() {
      throw platformError('not_found', 'there is none');
    },
    broken() {
      throw new TypeError('broken');
    },
    stubborn: () => stubborn.promise,
    compute() {
      const end = performance.now() + 80;
      while (performance.now() < end);
    },
    async *watch() {
      yield 1;
      await stubborn.promise;
      yield 2;
    },
    refused: async (_input, { clients }) => {
      await attempt(clients.Ledger.hold({}, { idempotencyKey: 'poor' }));
    },
    relayed: async (_input, { clients }) => {
      await clients.Ledger.hold({}, { idempotencyKey: 'busy' });
    },
  },
});

const lines: { message: string; fields: LogFields }[] = [];

function recording(own: LogFields = {}): Logger {
  const say = (message: string, fields: LogFields = {}) =>
    lines.push({ message, fields: { ...own, ...fields } });
  return {
    debug: say,
    info: say,
    warn: say,
    error: say,
    child: (fields) => recording({ ...own, ...fields }),
  };
}

let fleet: TestFleet;

beforeEach(async () => {
  lines.length = 0;
  stubborn = Promise.withResolvers();
  fleet = new TestFleet({ log: recording() });
  await fleet.start(ledger, desk);
});

afterEach(async () => {
  stubborn.resolve();
  await fleet.stop();
});

/** Calls as part of a trace; gives the spans that the call made, by name. */
async function traceOf(
  call: (options: { trace: ReturnType<TestFleet['tracer']['start']> }) => Promise<unknown>,
) {
  const trace = fleet.tracer.start('test', 'internal', undefined);
  const result = await attempt(call({ trace }) as Promise<unknown>);
  trace.end();
  const traceId = traceIdOf(trace);
  const spans = new Map<string, SpanRecord>();
  for (const span of fleet.tracer.spansOf(traceId)) spans.set(span.name, span);
  return { result, spans, traceId, rootId: spanIdOf(trace) };
}

test('a call is a span of the server, child of its caller’s and parent of the calls it makes', async () => {
  const { spans, traceId, rootId } = await traceOf((options) => fleet.client(Desk).order({}, options));
  const order = spans.get('desk/order')!;
  const hold = spans.get('ledger/hold')!;
  assert.equal(order.kind, 'server');
  assert.equal(order.parentSpanId, rootId);
  assert.equal(hold.parentSpanId, order.spanId);
  assert.equal(order.status, 'unset');
  const { 'client.address': client, ...attributes } = order.attributes;
  assert.equal(client, 'test-1');
  assert.deepEqual(attributes, {
    'rpc.system.name': 'flotilla',
    'rpc.method': 'desk/order',
    'order.id': 'o-1',
  });
  const said = lines.find(({ message }) => message === 'ordering');
  assert.deepEqual(said?.fields, { service: 'desk', trace_id: traceId, span_id: order.spanId });
});

test('an answer that is an error names it; a failure of the service is one of the span', async () => {
  const missing = await traceOf((options) => fleet.client(Desk).missing({}, options));
  const { status, attributes } = missing.spans.get('desk/missing')!;
  assert.deepEqual([status, attributes['error.type']], ['unset', 'not_found']);
  const broken = await traceOf((options) => fleet.client(Desk).broken({}, options));
  const failed = broken.spans.get('desk/broken')!;
  assert.deepEqual([failed.status, failed.attributes['error.type']], ['error', 'internal']);
  const said = lines.find(({ message }) => message === 'call failed');
  assert.equal(said?.fields.trace_id, broken.traceId);
});

test('a declared error of a dependency leaves the caller’s span as it is', async () => {
  const { result, spans } = await traceOf((options) => fleet.client(Desk).refused({}, options));
  assert.ok(result.ok);
  assert.equal(spans.get('ledger/hold')!.attributes['error.type'], 'insufficient_funds');
  assert.equal(spans.get('desk/refused')!.attributes['error.type'], undefined);
});

test('the span ends at the deadline, although the handler goes on', async () => {
  const { result, traceId } = await traceOf((options) =>
    fleet.client(Desk).stubborn({}, { ...options, deadlineMs: 40 }),
  );
  assert.ok(!result.ok && result.error.code === 'deadline_exceeded');
  const span = await waitFor(() =>
    fleet.tracer.spansOf(traceId).find(({ name }) => name === 'desk/stubborn'),
  );
  assert.match(String(span.attributes['error.type']), /^(deadline_exceeded|cancelled)$/);
  const late = 'a handler finished after its caller had gone';
  assert.ok(!lines.some(({ message }) => message === late));
  stubborn.resolve();
  await waitFor(() => lines.some(({ message }) => message === late));
});

test('a handler that keeps the thread past the deadline has a span that ends at the deadline', async () => {
  const { spans } = await traceOf((options) =>
    fleet.client(Desk).compute({}, { ...options, deadlineMs: 30 }),
  );
  const { attributes, durationMs } = spans.get('desk/compute')!;
  assert.equal(attributes['error.type'], 'deadline_exceeded');
  assert.ok(Number(attributes['flotilla.late_ms']) >= 20, `${attributes['flotilla.late_ms']} ms late`);
  assert.ok(durationMs <= 33, `the span has ${durationMs} ms`);
});

test('the span of a stream lasts as long as the stream', async () => {
  const trace = fleet.tracer.start('test', 'internal', undefined);
  const items = fleet.client(Desk).watch({}, { trace });
  assert.deepEqual((await items.next()).value, 1);
  assert.ok(!fleet.tracer.spansOf(traceIdOf(trace)).some(({ name }) => name === 'desk/watch'));
  stubborn.resolve();
  assert.deepEqual((await items.next()).value, 2);
  assert.equal((await items.next()).done, true);
  await waitFor(() => fleet.tracer.spansOf(traceIdOf(trace)).some(({ name }) => name === 'desk/watch'));
});

test('that a dependency has not executed its call does not say so of this one', async () => {
  const { result } = await traceOf((options) => fleet.client(Desk).relayed({}, options));
  assert.ok(!result.ok);
  const { code, data, retryAfterMs } = result.error;
  assert.deepEqual([code, data, retryAfterMs], ['overloaded', { relayed: true }, 70]);
});
