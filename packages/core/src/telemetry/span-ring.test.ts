import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type Span, SpanEvent } from './span.ts';
import type {
  Attributes,
  AttributeValue,
  EventRecord,
  LinkRecord,
  SpanKind,
  SpanRecord,
} from './span-record.ts';
import { spanKinds } from './span-record.ts';
import { SpanRing } from './span-ring.ts';
import { ShapeTable } from './span-shape.ts';
import { spanIdOf, traceIdOf } from './trace-context.ts';
import { Tracer } from './tracer.ts';

const CAPACITY = 8;
const UNIX = 1_700_000_000_000;

const text = fc.oneof(fc.string({ maxLength: 12 }), fc.string({ unit: 'binary', maxLength: 120 }));
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text.map((one) => one.toWellFormed()),
  fc.double({ noNaN: true }),
  fc.integer(),
  fc.boolean(),
);
const key = fc.constantFrom('a', 'server.address', 'ä', 'k'.repeat(250));
const attributes: fc.Arbitrary<Attributes> = fc.dictionary(key, value, { maxKeys: 3, noNullPrototype: true });
const step = fc.oneof(
  fc.record({
    do: fc.constant('start' as const),
    name: fc.constantFrom('ledger/hold', 'n'.repeat(300)),
    kind: fc.constantFrom(...spanKinds),
    below: fc.option(fc.nat(20), { nil: undefined }),
    template: fc.option(attributes, { nil: undefined }),
  }),
  fc.record({ do: fc.constant('set' as const), span: fc.nat(20), key, value }),
  fc.record({ do: fc.constant('event' as const), span: fc.nat(20), name: key, attributes }),
  fc.record({ do: fc.constant('link' as const), span: fc.nat(20), to: fc.nat(20), attributes }),
  fc.record({ do: fc.constant('fail' as const), span: fc.nat(20), code: key, message: value }),
  fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 50 }) }),
  fc.record({ do: fc.constant('end' as const), span: fc.nat(20) }),
  fc.record({ do: fc.constant('end' as const), span: fc.nat(20) }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What a span should turn out to be, kept as plain data. */
interface Model {
  readonly span: Span;
  readonly parent: Span | undefined;
  readonly name: string;
  readonly kind: SpanKind;
  readonly start: number;
  attributes: Record<string, AttributeValue>;
  readonly events: EventRecord[];
  readonly links: LinkRecord[];
  code: string | undefined;
  message: string | undefined;
  ended: boolean;
}

function recordOf(model: Model, now: number): SpanRecord {
  const { span, parent, name, kind, start, code, message } = model;
  return {
    ...{ traceId: traceIdOf(span), spanId: spanIdOf(span) },
    ...(parent && { parentSpanId: spanIdOf(parent) }),
    ...{ localRoot: parent === undefined, sampled: true, name, kind },
    ...{ startMs: UNIX + start, durationMs: now - start, status: code === undefined ? 'unset' : 'error' },
    ...(message !== undefined && { message }),
    attributes: { ...model.attributes, ...(code !== undefined && { 'error.type': code }) },
    ...{ events: model.events, links: model.links },
  };
}

function run(steps: readonly Step[]): void {
  const time = { now: 0 };
  const tracer = new Tracer({ capacity: CAPACITY, clock: () => time.now, unixClock: () => UNIX + time.now });
  const spans: Model[] = [];
  const ended: SpanRecord[] = [];
  const pick = (index: number) => spans[index % Math.max(1, spans.length)];
  for (const one of steps) {
    const model = 'span' in one ? pick(one.span) : undefined;
    if (one.do === 'start') {
      const parent = one.below === undefined ? undefined : pick(one.below)?.span;
      const template = one.template ?? {};
      const span = one.template
        ? tracer.template(one.name, one.kind, template).start(parent)
        : tracer.start(one.name, one.kind, parent);
      spans.push({
        ...{ span, parent, name: one.name, kind: one.kind, start: time.now, attributes: { ...template } },
        ...{ events: [], links: [], code: undefined, message: undefined, ended: false },
      });
    } else if (one.do === 'wait') {
      time.now += one.ms;
    } else if (!model || model.ended) {
    } else if (one.do === 'set') {
      model.span.set(one.key, one.value);
      model.attributes[one.key] = one.value;
    } else if (one.do === 'event') {
      model.span.event(one.name, one.attributes);
      model.events.push({ name: one.name, timeMs: UNIX + time.now, attributes: one.attributes });
    } else if (one.do === 'link') {
      const to = pick(one.to)!.span;
      model.span.link(to, one.attributes);
      model.links.push({ traceId: traceIdOf(to), spanId: spanIdOf(to), attributes: one.attributes });
    } else if (one.do === 'fail') {
      model.span.fail(one.code, String(one.message));
      model.code = one.code;
      model.message = String(one.message);
    } else {
      model.span.end();
      model.ended = true;
      ended.push(recordOf(model, time.now));
    }
  }
  assert.equal(tracer.ended, ended.length);
  for (const [sequence, expected] of ended.entries()) {
    const found = tracer.read(sequence);
    if (sequence < ended.length - CAPACITY) assert.equal(found, undefined);
    else assert.deepEqual(found, expected);
  }
}

describe('the ring', () => {
  it('tells of the last spans what a naive recorder tells', () => {
    fc.assert(fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), run), { numRuns: 300 });
  });

  it('gives up the oldest spans when payloads need their room', () => {
    const tracer = new Tracer({ capacity: 64 });
    const sent = Array.from({ length: 64 }, (_, index) => 'x'.repeat(500) + index);
    for (const value of sent) tracer.start('a', 'client', undefined).set('value', value).end();
    const found = sent.map((_, sequence) => tracer.read(sequence)?.attributes.value);
    const first = found.findIndex((value) => value !== undefined);
    assert.ok(first > 0 && first < 60);
    assert.deepEqual(found.slice(first), sent.slice(first));
  });

  it('still knows a span without attributes when those around it lost theirs', () => {
    const tracer = new Tracer({ capacity: 64 });
    tracer.template('bare', 'client').start(undefined).end();
    for (let index = 0; index < 60; index++)
      tracer.start('a', 'client', undefined).set('value', 'x'.repeat(2000)).end();
    assert.equal(tracer.read(0)!.name, 'bare');
    assert.equal(tracer.read(1), undefined);
  });

  it('has the same size after a million spans', () => {
    const shapes = new ShapeTable(2048);
    const ring = new SpanRing(4096, shapes);
    const tracer = new Tracer();
    const template = tracer.template('ledger/hold', 'client', { 'rpc.system.name': 'flotilla' });
    const before = ring.byteLength;
    const span = template.start(undefined).set('server.address', '10.0.0.1').set('attempt', 1);
    span.event('retry');
    span.end();
    for (let index = 0; index < 1_000_000; index++) ring.write(span, UNIX);
    assert.equal(ring.byteLength, before);
    assert.ok(before < 1.5 * 2 ** 20);
    assert.equal(ring.names, 3);
    assert.equal(ring.next - ring.oldest, 4096);
    assert.deepEqual(ring.read(ring.next - 1)!.attributes, { 'server.address': '10.0.0.1', attempt: 1 });
  });

  it('knows so many names and no more', () => {
    const ring = new SpanRing(16, new ShapeTable(1));
    const tracer = new Tracer();
    for (let index = 0; index < 10_000; index++) {
      const span = tracer.start('a', 'client', undefined).set(`key.${index}`, index);
      span.details = [new SpanEvent(`event.${index}`, 0, undefined)];
      span.end();
      ring.write(span, 0);
    }
    assert.equal(ring.names, 4096);
    const last = ring.read(ring.next - 1)!;
    assert.deepEqual(last.attributes, { 'key.9999': 9999 });
    assert.equal(last.events[0]!.name, 'event.9999');
  });
});
