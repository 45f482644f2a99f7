import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { SpanRecord } from 'flotilla';
import { assembleTrace } from './assemble-trace.ts';
import { mergeSummaries } from './fleet-traces.ts';

const TRACE = 'a'.repeat(32);

function span(spanId: string, parentSpanId: string | undefined, startMs: number, durationMs = 1): SpanRecord {
  return {
    traceId: TRACE,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    localRoot: true,
    sampled: true,
    name: `span ${spanId}`,
    kind: 'internal',
    startMs,
    durationMs,
    status: 'unset',
    attributes: {},
    events: [],
    links: [],
  };
}

const part = (service: string, ...spans: SpanRecord[]) => ({
  service,
  instance: `${service}-1`,
  body: { spans },
});

describe('a trace', () => {
  it('is put together from what every process has of it', () => {
    const trace = assembleTrace(TRACE, [
      part('ledger', span('4', '3', 104, 2)),
      part('gateway', span('1', undefined, 100, 20), span('5', '1', 110, 3), span('2', '1', 101, 8)),
      part('orders', span('3', '2', 102, 6)),
    ]);
    assert.deepEqual(
      trace?.spans.map(({ spanId, depth, offsetMs, instance }) => [spanId, depth, offsetMs, instance]),
      [
        ['1', 0, 0, 'gateway-1'],
        ['2', 1, 1, 'gateway-1'],
        ['3', 2, 2, 'orders-1'],
        ['4', 3, 4, 'ledger-1'],
        ['5', 1, 10, 'gateway-1'],
      ],
    );
    assert.deepEqual([trace?.startMs, trace?.durationMs], [100, 20]);
  });

  it('ends with its last span, which may outlast the first', () => {
    const trace = assembleTrace(TRACE, [part('a', span('1', undefined, 100, 2), span('2', '1', 101, 9))]);
    assert.equal(trace?.durationMs, 10);
  });

  it('shows at the top what has a parent that nobody remembers, and marks it', () => {
    const trace = assembleTrace(TRACE, [
      part('a', span('1', undefined, 100)),
      part('b', span('3', 'lost', 102), span('4', '3', 103)),
    ]);
    assert.deepEqual(
      trace?.spans.map(({ spanId, depth, orphan }) => [spanId, depth, orphan]),
      [
        ['1', 0, false],
        ['3', 0, true],
        ['4', 1, false],
      ],
    );
  });

  it('of which nobody has a span is none', () => {
    assert.equal(assembleTrace(TRACE, []), undefined);
    assert.equal(assembleTrace(TRACE, [part('a')]), undefined);
  });

  it('has each span once, below its parent, whatever the processes say', () => {
    const id = fc.integer({ min: 1, max: 12 }).map(String);
    const spans = fc.array(fc.tuple(id, fc.option(id, { nil: undefined }), fc.nat(50)), { minLength: 1 });
    fc.assert(
      fc.property(fc.array(spans, { minLength: 1, maxLength: 4 }), (parts) => {
        const trace = assembleTrace(
          TRACE,
          parts.map((given, index) => part(`s${index}`, ...given.map((each) => span(...each)))),
        );
        const given = new Set(parts.flat().map(([spanId]) => spanId));
        assert.deepEqual(new Set(trace?.spans.map(({ spanId }) => spanId)), given);
        assert.equal(trace?.spans.length, given.size);
        const seen = new Map<string, number>();
        for (const { spanId, parentSpanId, depth } of trace?.spans ?? []) {
          if (depth > 0) assert.equal(seen.get(parentSpanId ?? ''), depth - 1);
          seen.set(spanId, depth);
        }
      }),
    );
  });
});

describe('a trace in the list', () => {
  it('is told by the process where it took longest, and failed if it failed anywhere', () => {
    const summary = { traceId: TRACE, name: 'x', kind: 'server', startMs: 5, spans: 2 } as const;
    const merged = mergeSummaries([
      { ...summary, service: 'b', instance: 'b-1', durationMs: 4, reason: 'error', code: 'unavailable' },
      { ...summary, service: 'a', instance: 'a-1', durationMs: 9, reason: 'slow', spans: 3 },
    ]);
    assert.deepEqual(merged, {
      ...summary,
      service: 'a',
      instance: 'a-1',
      durationMs: 9,
      reason: 'error',
      code: 'unavailable',
      spans: 5,
    });
  });
});
