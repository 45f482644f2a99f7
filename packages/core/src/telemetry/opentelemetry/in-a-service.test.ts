import assert from 'node:assert/strict';
import { it } from 'node:test';
import { trace } from '@opentelemetry/api';
import { z } from 'zod';
import { contract, operation, stream } from '../../contract/index.ts';
import { service } from '../../service/service.ts';
import { TestFleet } from '../../testing/test-fleet.ts';
import { registerOpenTelemetry } from './index.ts';

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** As an instrumented database driver does. */
async function query(text: string): Promise<void> {
  const span = trace.getTracer('a-driver').startSpan(text);
  await turn();
  span.end();
}

const Prices = contract('prices', {
  quote: operation({ input: z.object({}), output: z.number() }),
  watch: operation({ input: z.object({}), output: stream(z.number()) }),
});

const prices = service(Prices, {
  start: ({ tracer }) => registerOpenTelemetry(tracer),
  stop: (registration) => registration.unregister(),
  operations: {
    async quote(_input, { tracer, trace: span }) {
      await query('SELECT price');
      tracer.start('round', 'internal', span).end();
      return 5;
    },
    async *watch() {
      await query('LISTEN');
      yield 1;
      await query('UNLISTEN');
    },
  },
});

it('spans of a library in a handler, or in the generator of a stream, are below the span of the call', async () => {
  const fleet = new TestFleet();
  await fleet.start(prices);
  const client = fleet.client(Prices);
  const below = (name: string) => {
    const [call] = fleet.tracer.recent({ reason: 'recent', name });
    const [server, ...spans] = fleet.tracer.spansOf(call!.traceId);
    for (const { parentSpanId } of spans) assert.equal(parentSpanId, server!.spanId);
    return spans.map((span) => span.name);
  };
  assert.equal(await client.quote({}), 5);
  assert.deepEqual(below('prices/quote'), ['SELECT price', 'round']);
  for await (const price of client.watch({})) assert.equal(price, 1);
  assert.deepEqual(below('prices/watch'), ['LISTEN', 'UNLISTEN']);
  await fleet.stop();
  assert.equal(trace.getTracer('b').startSpan('after').isRecording(), false);
});
