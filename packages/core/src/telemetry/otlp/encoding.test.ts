/** What both encodings must do: the cases run on each, read back by a reader that shares no code with the writers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { decodeMessage, metricsRequest, traceRequest } from '../fixtures/otlp-messages.ts';
import { Metrics } from '../metrics.ts';
import { type Attributes, type SpanRecord, spanKinds, spanStatuses } from '../span-record.ts';
import { type Encoding, unixNano } from './encoding.ts';
import { jsonEncoding } from './json.ts';
import { protobufEncoding } from './protobuf.ts';

type Json = Record<string, unknown>;
interface Case {
  readonly encoding: Encoding;
  readTraces(body: Uint8Array): Json;
  readMetrics(body: Uint8Array): Json;
}

const parse = (body: Uint8Array) => JSON.parse(Buffer.from(body).toString()) as Json;
const encodings: Readonly<Record<string, Case>> = {
  json: { encoding: jsonEncoding, readTraces: parse, readMetrics: parse },
  protobuf: {
    encoding: protobufEncoding,
    readTraces: (body) => decodeMessage(Buffer.from(body), traceRequest),
    readMetrics: (body) => decodeMessage(Buffer.from(body), metricsRequest),
  },
};

const resource = { 'service.name': 'ledger', 'process.pid': 7 };
const resourceMessage = {
  attributes: [
    { key: 'service.name', value: { stringValue: 'ledger' } },
    { key: 'process.pid', value: { intValue: '7' } },
  ],
};
const times = { startMs: 1_700_000_000_000, nowMs: 1_700_000_060_000 };

const span: SpanRecord = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  localRoot: true,
  sampled: true,
  name: 'ledger/hold',
  kind: 'server',
  startMs: 1_700_000_000_000.25,
  durationMs: 1.5,
  status: 'error',
  message: 'away',
  attributes: { 'rpc.method': 'hold', 'server.port': 8080, ok: false, ratio: 0.5 },
  events: [{ name: 'retry', timeMs: 1_700_000_000_001, attributes: { attempt: 2 } }],
  links: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), attributes: { why: 'batch' } }],
  dropped: 3,
};

const spanMessage = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  parentSpanId: '00f067aa0ba902b7',
  flags: 0x301,
  name: 'ledger/hold',
  kind: 2,
  startTimeUnixNano: '1700000000000250000',
  endTimeUnixNano: '1700000000001750000',
  attributes: [
    { key: 'rpc.method', value: { stringValue: 'hold' } },
    { key: 'server.port', value: { intValue: '8080' } },
    { key: 'ok', value: { boolValue: false } },
    { key: 'ratio', value: { doubleValue: 0.5 } },
  ],
  droppedAttributesCount: 3,
  events: [
    {
      timeUnixNano: '1700000000001000000',
      name: 'retry',
      attributes: [{ key: 'attempt', value: { intValue: '2' } }],
    },
  ],
  links: [
    {
      traceId: '1'.repeat(32),
      spanId: '2'.repeat(16),
      attributes: [{ key: 'why', value: { stringValue: 'batch' } }],
    },
  ],
  status: { code: 2, message: 'away' },
};

for (const [name, { encoding, readTraces, readMetrics }] of Object.entries(encodings)) {
  test(`${name}: spans are the messages that the specification names, below their resource and scope`, () => {
    const batch = encoding.spans(resource);
    batch.add(span);
    batch.add({ ...span, spanId: '3'.repeat(16) });
    assert.deepEqual(readTraces(batch.finish()), {
      resourceSpans: [
        {
          resource: resourceMessage,
          scopeSpans: [
            { scope: { name: 'flotilla' }, spans: [spanMessage, { ...spanMessage, spanId: '3'.repeat(16) }] },
          ],
        },
      ],
    });
  });

  test(`${name}: a span without parent, status and details says so`, () => {
    const batch = encoding.spans({});
    const { parentSpanId: _parent, message: _message, dropped: _dropped, ...bare } = span;
    batch.add({ ...bare, sampled: false, status: 'unset', attributes: {}, events: [], links: [] });
    const message = readTraces(batch.finish()) as {
      resourceSpans: [{ scopeSpans: [{ spans: [Json] }] }];
    };
    const [read] = message.resourceSpans[0].scopeSpans[0].spans;
    const { traceId, spanId, name: spanName, kind, startTimeUnixNano, endTimeUnixNano } = spanMessage;
    assert.deepEqual(read, {
      ...{ traceId, spanId, name: spanName, kind, startTimeUnixNano, endTimeUnixNano },
      ...{ flags: 0x100, attributes: [], events: [], links: [], status: { code: 0 } },
    });
  });

  test(`${name}: metrics have type, unit, temporality and their labels as attributes`, () => {
    const metrics = new Metrics();
    metrics.counter('calls', 'Calls.')({ code: 'ok' }).add(3);
    metrics.gauge('waiting_seconds', 'Now.', () => 0.5);
    metrics.gauge('unknown', 'Now.', () => Number.NaN);
    metrics.counter('never', 'Never counted.');
    const size = metrics.histogram('message_bytes', 'Size.')({ kind: 'order' });
    for (const value of [0, 1, 2]) size.observe(value);
    const { body, points } = encoding.metrics(resource, metrics.families(), times)!;
    assert.equal(points, 4);
    const span = { startTimeUnixNano: '1700000000000000000', timeUnixNano: '1700000060000000000' };
    assert.deepEqual(readMetrics(body), {
      resourceMetrics: [
        {
          resource: resourceMessage,
          scopeMetrics: [
            {
              scope: { name: 'flotilla' },
              metrics: [
                {
                  ...{ name: 'calls', description: 'Calls.', unit: '' },
                  sum: {
                    dataPoints: [
                      {
                        ...span,
                        attributes: [{ key: 'code', value: { stringValue: 'ok' } }],
                        asDouble: 3,
                      },
                    ],
                    aggregationTemporality: 2,
                    isMonotonic: true,
                  },
                },
                {
                  ...{ name: 'waiting_seconds', description: 'Now.', unit: 's' },
                  gauge: { dataPoints: [{ ...span, attributes: [], asDouble: 0.5 }] },
                },
                {
                  ...{ name: 'unknown', description: 'Now.', unit: '' },
                  gauge: { dataPoints: [{ ...span, attributes: [], asDouble: 'NaN' }] },
                },
                {
                  ...{ name: 'message_bytes', description: 'Size.', unit: 'By' },
                  exponentialHistogram: {
                    dataPoints: [
                      {
                        ...span,
                        attributes: [{ key: 'kind', value: { stringValue: 'order' } }],
                        ...{ count: '3', sum: 3, scale: 7, zeroCount: '1', min: 0, max: 2 },
                        positive: {
                          offset: -1,
                          bucketCounts: ['1', ...new Array(127).fill('0'), '1'],
                        },
                      },
                    ],
                    aggregationTemporality: 2,
                  },
                },
              ],
            },
          ],
        },
      ],
    });
  });

  test(`${name}: buckets hold the values that scale and offset say they do`, () => {
    const latency = fc.double({ min: 1e-7, max: 1e5, noNaN: true });
    fc.assert(
      fc.property(fc.array(latency, { minLength: 1, maxLength: 50 }), (values) => {
        const metrics = new Metrics();
        const seconds = metrics.histogram('call_seconds', 'Time.');
        for (const value of values) seconds().observe(value);
        const message = readMetrics(encoding.metrics({}, metrics.families(), times)!.body) as {
          resourceMetrics: [
            { scopeMetrics: [{ metrics: [{ exponentialHistogram: { dataPoints: [Json] } }] }] },
          ];
        };
        const [point] = message.resourceMetrics[0].scopeMetrics[0].metrics[0].exponentialHistogram.dataPoints;
        const { scale, positive } = point as {
          scale: number;
          positive: { offset: number; bucketCounts: string[] };
        };
        const base = 2 ** (2 ** -scale);
        const sorted = values.toSorted((a, b) => a - b);
        let at = 0;
        for (const [index, count] of positive.bucketCounts.entries()) {
          const lower = base ** (positive.offset + index);
          const upper = base ** (positive.offset + index + 1);
          for (let left = Number(count); left > 0; left--, at++) {
            const value = sorted[at]!;
            assert.ok(
              value > lower * (1 - 1e-9) && value <= upper * (1 + 1e-9),
              `${lower} < ${value} <= ${upper}`,
            );
          }
        }
        assert.equal(at, values.length);
      }),
    );
  });

  test(`${name}: nothing to tell is no request`, () => {
    const metrics = new Metrics();
    metrics.counter('never', 'Never counted.');
    assert.equal(encoding.metrics(resource, metrics.families(), times), undefined);
  });
}

test('both encodings say the same of any span', () => {
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.double(), fc.integer(), fc.boolean());
  const attributes = fc
    .dictionary(fc.string({ minLength: 1 }), value)
    .map((found): Attributes => ({ ...found }));
  const hex = (length: number) =>
    fc
      .uint8Array({ minLength: length, maxLength: length })
      .map((bytes) => Buffer.from(bytes).toString('hex'));
  const time = fc.double({ min: 0, max: 4e12, noNaN: true });
  const record = fc.record(
    {
      traceId: hex(16),
      spanId: hex(8),
      parentSpanId: hex(8),
      localRoot: fc.boolean(),
      sampled: fc.boolean(),
      name: fc.string({ unit: 'grapheme' }),
      kind: fc.constantFrom(...spanKinds),
      startMs: time,
      durationMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
      status: fc.constantFrom(...spanStatuses.slice(1)),
      message: fc.string({ minLength: 1 }),
      attributes,
      events: fc.array(fc.record({ name: fc.string(), timeMs: time, attributes }), { maxLength: 3 }),
      links: fc.array(fc.record({ traceId: hex(16), spanId: hex(8), attributes }), { maxLength: 3 }),
      dropped: fc.integer({ min: 1, max: 1000 }),
    },
    {
      requiredKeys: [
        ...(['traceId', 'spanId', 'localRoot', 'sampled', 'name', 'kind', 'startMs', 'durationMs'] as const),
        ...(['status', 'attributes', 'events', 'links'] as const),
      ],
    },
  );
  fc.assert(
    fc.property(fc.array(record, { maxLength: 4, minLength: 1 }), attributes, (records, about) => {
      const [json, protobuf] = Object.values(encodings).map(({ encoding, readTraces }) => {
        const batch = encoding.spans(about);
        for (const each of records) batch.add(each as SpanRecord);
        return readTraces(batch.finish());
      });
      assert.deepEqual(protobuf, json);
    }),
    { numRuns: 60 },
  );
});

test('a partial success is read in both encodings', () => {
  const text = (body: string) => Buffer.from(body);
  assert.equal(jsonEncoding.partialSuccess(text('')), undefined);
  assert.equal(jsonEncoding.partialSuccess(text('{}')), undefined);
  assert.deepEqual(
    jsonEncoding.partialSuccess(text('{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"no"}}')),
    { rejected: 2, message: 'no' },
  );
  assert.equal(protobufEncoding.partialSuccess(Buffer.alloc(0)), undefined);
  // ExportTraceServiceResponse{partial_success(1): {rejected_spans(1): 300, error_message(2): "no"}}
  const response = Buffer.from([0x0a, 0x07, 0x08, 0xac, 0x02, 0x12, 0x02, 0x6e, 0x6f]);
  assert.deepEqual(protobufEncoding.partialSuccess(response), { rejected: 300, message: 'no' });
});

test('milliseconds are nanoseconds without the loss of a double', () => {
  assert.equal(unixNano(1_700_000_000_000.25), '1700000000000250000');
  assert.equal(unixNano(12.999_999_9), '13000000');
  assert.equal(unixNano(0.5), '500000');
  assert.equal(unixNano(0), '0');
});
