/** What begins at the gateway and holds all the way down: budget, cancellation, trace, and what a client is told when. */
import assert from 'node:assert/strict';
import { after, before, describe as group, it } from 'node:test';
import {
  type ContractDocument,
  contract,
  describe,
  FlotillaError,
  operation,
  platformError,
  service,
  silentLogger,
  silentTelemetry,
} from 'flotilla';
import { TestFleet } from 'flotilla/testing';
import { z } from 'zod';
import { parseGatewayConfig } from './config.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { dial, send, until } from './testing/http-client.ts';

const Far = contract('far', {
  wait: operation({ output: z.object({ left: z.number() }) }),
  stuck: operation(),
});
const Near = contract('near', {
  budget: operation({
    output: z.object({ near: z.number(), far: z.number() }),
    access: 'public',
    http: 'GET /budget',
  }),
  stuck: operation({ access: 'public', http: 'GET /stuck' }),
  fail: operation({
    input: z.object({ code: z.string(), retryAfterMs: z.int().optional(), inData: z.boolean().optional() }),
    access: 'public',
    http: 'GET /fail',
  }),
});

const aborted: string[] = [];
const waiting: string[] = [];

function hang(name: string, signal: AbortSignal): Promise<never> {
  waiting.push(name);
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => {
      aborted.push(`${name}: ${(signal.reason as FlotillaError).code}`);
      reject(signal.reason);
    });
  });
}

const far = service(Far, {
  operations: {
    wait: async (_input, ctx) => ({ left: ctx.remainingMs()! }),
    stuck: (_input, ctx) => hang('far', ctx.signal),
  },
});
const near = service(Near, {
  uses: { Far },
  operations: {
    budget: async (_input, ctx) => {
      const mine = ctx.remainingMs()!;
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { near: mine, far: (await ctx.clients.Far.wait()).left };
    },
    stuck: async (_input, ctx) => {
      ctx.signal.addEventListener('abort', () => aborted.push(`near: ${ctx.signal.reason.code}`));
      await ctx.clients.Far.stuck();
      return null;
    },
    fail: ({ code, retryAfterMs, inData }) => {
      if (retryAfterMs === undefined) throw new FlotillaError(code, 'no');
      throw new FlotillaError(code, 'no', inData ? { data: { retryAfterMs } } : { retryAfterMs });
    },
  },
});

const fleet = new TestFleet();
let gateway: Gateway;
const documents: readonly ContractDocument[] = [describe(Near), describe(Far)];

before(async () => {
  await fleet.start(far, near);
  gateway = await startGateway({
    upstream: {
      services: () => documents,
      onChange() {},
      call: (...given) => fleet.call(...given),
      stream: (...given) => fleet.stream(...given),
    },
    config: parseGatewayConfig({ deadlineMs: 2_000 }),
    log: silentLogger,
    telemetry: { ...silentTelemetry(), tracer: fleet.tracer },
    port: 0,
  });
});
after(async () => {
  await gateway.close();
  await fleet.stop();
});

group('a request', () => {
  it('has a budget that shrinks at every hop', async () => {
    const { near: atNear, far: atFar } = (
      await send(gateway.port, '/budget', { headers: { 'x-request-timeout': '1500' } })
    ).json<{ near: number; far: number }>();
    assert.ok(atNear <= 1_500 && atNear > 0, `${atNear}`);
    assert.ok(atFar < atNear - 15, `${atFar} after ${atNear}`);
  });

  it('whose budget ends is a 504, and cancels the work all the way down', async () => {
    aborted.length = 0;
    const answer = await send(gateway.port, '/stuck', { headers: { 'x-request-timeout': '60' } });
    assert.deepEqual([answer.status, answer.json().code], [504, 'deadline_exceeded']);
    await until(() => aborted.length >= 2, 'both handlers are told');
    assert.deepEqual(aborted.map((told) => told.split(':')[0]).sort(), ['far', 'near']);
  });

  it('whose client goes away is cancelled all the way down', async () => {
    aborted.length = 0;
    waiting.length = 0;
    const socket = await dial(gateway.port);
    socket.write('GET /stuck HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => waiting.length === 1, 'the far handler works on it');
    socket.destroy();
    await until(() => aborted.length === 2, 'both handlers are told');
    assert.deepEqual(aborted.sort(), ['far: cancelled', 'near: cancelled']);
  });

  it('is one trace, from the client through the gateway to the far service', async () => {
    const id = 'ab'.repeat(16);
    await send(gateway.port, '/budget', {
      headers: { traceparent: `00-${id}-b7ad6b7169203331-01` },
    });
    await until(() => fleet.tracer.spansOf(id).length >= 3, 'the spans');
    const spans = fleet.tracer.spansOf(id);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const deepest = spans.find(({ name }) => name.includes('far'))!;
    let at = deepest;
    for (let hops = 0; byId.has(at.parentSpanId!) && hops < 10; hops++) at = byId.get(at.parentSpanId!)!;
    assert.deepEqual([at.name, at.parentSpanId], ['GET /budget', 'b7ad6b7169203331']);
  });
});

group('a refusal of a service', () => {
  const fail = (query: string) => send(gateway.port, `/fail?${query}`);

  it('says when to come back in whole seconds, at least one', async () => {
    for (const [ms, seconds] of [
      [1, '1'],
      [1_000, '1'],
      [1_001, '2'],
      [30_000, '30'],
    ] as const) {
      const answer = await fail(`code=overloaded&retryAfterMs=${ms}`);
      assert.deepEqual([answer.status, answer.headers['retry-after']], [503, seconds]);
    }
    const inData = await fail('code=overloaded&retryAfterMs=4500&inData=true');
    assert.equal(inData.headers['retry-after'], '5');
  });

  it('is a 503 with a problem for a breaker that is open as for a server that is full', async () => {
    for (const code of ['unavailable', 'overloaded']) {
      const answer = await fail(`code=${code}&retryAfterMs=700`);
      assert.equal(answer.status, 503);
      assert.equal(answer.headers['content-type'], 'application/problem+json');
      assert.equal(answer.headers['retry-after'], '1');
      assert.equal(answer.json().code, code);
    }
    assert.equal((await fail('code=unavailable')).headers['retry-after'], '1');
  });

  it('that is no 503 comes with a time only where the service gave one', async () => {
    assert.equal((await fail('code=resource_exhausted&retryAfterMs=2000')).headers['retry-after'], '2');
    assert.equal((await fail('code=resource_exhausted')).headers['retry-after'], undefined);
    assert.ok(platformError('resource_exhausted', '').retryable);
  });
});
