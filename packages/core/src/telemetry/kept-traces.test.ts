import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type KeepOptions, KeptTraces } from './kept-traces.ts';
import type { SpanRecord } from './span-record.ts';
import { parseTraceparent } from './trace-context.ts';

const idOf = (number: number, digits: number) => number.toString(16).padStart(digits, '0');
const contextOf = (trace: number) => parseTraceparent(`00-${idOf(trace, 32)}-${idOf(1, 16)}-01`)!;

function spanOf(trace: number, span: number): SpanRecord {
  return {
    ...{ traceId: idOf(trace, 32), spanId: idOf(span, 16), localRoot: span === 1, sampled: true },
    ...{ name: 'a', kind: 'server', startMs: trace, durationMs: 1, status: 'unset' },
    ...{ attributes: {}, events: [], links: [] },
  };
}

function keep(
  store: KeptTraces,
  trace: number,
  group: string,
  spans = 1,
  reason: 'error' | 'slow' = 'error',
) {
  const summary = {
    traceId: idOf(trace, 32),
    name: group,
    kind: 'server',
    startMs: trace,
    durationMs: 1,
    reason,
  };
  const records = Array.from({ length: spans }, (_, index) => spanOf(trace, index + 1));
  store.keep(contextOf(trace), group, summary as Parameters<KeptTraces['keep']>[2], records);
}

const tracesOf = (store: KeptTraces) => [...store.summaries()].map(({ startMs }) => startMs).reverse();

describe('kept traces', () => {
  it('are told with the latest first', () => {
    const store = new KeptTraces();
    keep(store, 1, 'a', 2);
    keep(store, 2, 'b');
    assert.deepEqual(
      [...store.summaries()].map(({ name, spans }) => ({ name, spans })),
      [
        { name: 'b', spans: 1 },
        { name: 'a', spans: 2 },
      ],
    );
    assert.equal(store.spansOf(idOf(1, 32)).length, 2);
    assert.deepEqual(store.spansOf(idOf(3, 32)), []);
  });

  it('of the largest group make room, the oldest first', () => {
    const store = new KeptTraces({ traces: 4 });
    keep(store, 1, 'rare');
    for (let trace = 2; trace < 100; trace++) keep(store, trace, 'flood');
    assert.deepEqual(tracesOf(store), [1, 97, 98, 99]);
  });

  it('make room when they hold too many spans', () => {
    const store = new KeptTraces({ spans: 10 });
    for (let trace = 1; trace <= 5; trace++) keep(store, trace, 'a', 4);
    assert.deepEqual(tracesOf(store), [4, 5]);
    assert.equal(store.spans, 8);
  });

  it('take late spans of theirs, each once, and none of others', () => {
    const store = new KeptTraces();
    keep(store, 1, 'a');
    assert.equal(store.wants(contextOf(1)), true);
    assert.equal(store.wants(contextOf(2)), false);
    assert.equal(store.wants(contextOf(1 + 4096)), false);
    store.append(spanOf(1, 2));
    store.append(spanOf(1, 2));
    store.append(spanOf(2, 2));
    assert.equal(store.spansOf(idOf(1, 32)).length, 2);
    assert.equal(store.spans, 2);
  });

  it('hold the first spans of an endless trace', () => {
    const store = new KeptTraces();
    keep(store, 1, 'a', 1000);
    assert.equal(store.spansOf(idOf(1, 32)).length, 256);
    assert.equal(store.wants(contextOf(1)), false);
  });

  it('tell of the error when a slow one fails too', () => {
    const store = new KeptTraces();
    keep(store, 1, 'a', 1, 'slow');
    keep(store, 1, 'a', 2, 'error');
    const [summary, ...more] = store.summaries();
    assert.deepEqual([summary!.reason, summary!.spans, more.length], ['error', 2, 0]);
  });

  it('admit a few of a group in a second, and not many of all', () => {
    const store = new KeptTraces({ perSecond: 2 });
    const admitted = (group: string, now: number) => store.admit(group, now);
    assert.deepEqual(
      [0, 1, 2, 999].map((now) => admitted('a', now)),
      [true, true, false, false],
    );
    assert.equal(admitted('b', 500), true);
    assert.equal(admitted('a', 1000), true);
    const many = Array.from({ length: 1000 }, (_, index) => admitted(`group ${index}`, 2000 + index / 2));
    assert.equal(many.filter((one) => one).length, 20);
  });

  it('stay within their bounds whatever comes', () => {
    const step = fc.record({
      trace: fc.integer({ min: 1, max: 30 }),
      group: fc.constantFrom('a', 'b', 'c'),
      spans: fc.integer({ min: 1, max: 6 }),
      late: fc.boolean(),
    });
    const options: KeepOptions = { traces: 5, spans: 20 };
    fc.assert(
      fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
        const store = new KeptTraces(options);
        for (const { trace, group, spans, late } of steps) {
          if (late) store.append(spanOf(trace, spans));
          else keep(store, trace, group, spans);
          const kept = [...store.summaries()];
          assert.equal(kept.length, store.size);
          assert.ok(store.size <= 5 && store.spans <= 20);
          assert.equal(
            kept.reduce((sum, summary) => sum + summary.spans, 0),
            store.spans,
          );
          for (const { traceId } of kept) assert.ok(store.wants(contextOf(Number.parseInt(traceId, 16))));
        }
      }),
    );
  });
});
