import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { painted } from '../output/colour.ts';
import type { Trace, TracedSpan } from './assemble-trace.ts';
import { waterfall } from './waterfall.ts';

const SPAN: TracedSpan = {
  traceId: 'a'.repeat(32),
  spanId: '1',
  localRoot: true,
  sampled: true,
  name: 'POST /v1/orders',
  kind: 'server',
  startMs: 1_000,
  durationMs: 24,
  status: 'unset',
  attributes: { 'http.route': '/v1/orders', 'http.response.status_code': 200 },
  events: [],
  links: [],
  service: 'gateway',
  instance: 'gateway-1',
  depth: 0,
  offsetMs: 0,
  orphan: false,
};

function traceOf(...spans: Partial<TracedSpan>[]): Trace {
  return {
    traceId: SPAN.traceId,
    startMs: 1_000,
    durationMs: 24,
    spans: spans.map((each) => ({ ...SPAN, ...each })),
  };
}

describe('a waterfall', () => {
  it('shows where each span was, when, how long, and how it ended', () => {
    const trace = traceOf(
      {},
      {
        name: 'ledger/hold',
        kind: 'client',
        depth: 1,
        offsetMs: 12,
        durationMs: 6.5,
        status: 'error',
        message: 'no instance',
        attributes: { 'error.type': 'unavailable', 'flotilla.try': 2 },
        events: [{ name: 'fault', timeMs: 1_001.5, attributes: { kind: 'latency' } }],
      },
    );
    assert.equal(
      waterfall(trace),
      [
        `${SPAN.traceId}  1970-01-01T00:00:01.000Z, 24.0 ms, 2 spans, 1 process, failed`,
        '',
        '   START  DURATION  WATERFALL                 PROCESS    SPAN             KIND    STATUS             ATTRIBUTES',
        '   +0 ms   24.0 ms  ████████████████████████  gateway-1  POST /v1/orders  server  ok                 http.response.status_code=200',
        '+12.0 ms   6.50 ms              ██████▌       gateway-1    ledger/hold    client  error unavailable  flotilla.try=2 [fault +1.50 ms kind=latency] "no instance"',
        '',
      ].join('\n'),
    );
  });

  it('cuts its lines at the edge of the terminal', () => {
    const wide = traceOf({ attributes: { note: 'x'.repeat(200) } });
    const lines = waterfall(wide, undefined, 120).split('\n');
    assert.deepEqual(lines.map((line) => line.length <= 120).includes(false), false);
    assert.match(lines[3] ?? '', /x…$/);
  });

  it('marks what is below a span that nobody remembers', () => {
    const text = waterfall(traceOf({ orphan: true }));
    assert.match(text, /… POST \/v1\/orders/);
    assert.match(text, /not remembered in this fleet\n$/);
  });

  it('shows a span that took no time, and colours one that failed', () => {
    const text = waterfall(traceOf({}, { durationMs: 0, offsetMs: 24, status: 'error' }), painted);
    assert.ok(text.includes(`\x1b[31m${' '.repeat(23)}█`));
  });

  it('keeps control characters from the terminal', () => {
    const text = waterfall(traceOf({ name: 'a\x1b[2Jb', attributes: { evil: '\r\x07' } }));
    for (const control of ['\x1b', '\r', '\x07']) assert.ok(!text.includes(control));
  });
});
