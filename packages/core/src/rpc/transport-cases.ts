/** What every transport must do. Each case is a story about what a caller and a handler see. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { FlotillaError, platformError } from '../errors/index.ts';
import { parseTraceparent } from '../telemetry/trace-context.ts';
import type {
  CallOptions,
  CallResult,
  Channel,
  DialOptions,
  Dispatch,
  IncomingCall,
  Reply,
  Transport,
  WireServer,
} from './channel.ts';
import { identityOf, until } from './wire-harness.ts';
import type { WireLimits } from './wire-limits.ts';

export interface TransportUnderTest {
  readonly transport: Transport;
  /** A fresh address to listen on. */
  address(): string;
}

const bytes = (text: string) => Buffer.from(text);
const NOTHING = Buffer.alloc(0);

/** A handler that leaves every call for the test to answer. */
class Inbox {
  readonly calls: { call: IncomingCall; reply: Reply }[] = [];
  readonly dispatch: Dispatch = (call, reply) => {
    this.calls.push({ call, reply });
  };

  async next(count = 1): Promise<{ call: IncomingCall; reply: Reply }> {
    await until(() => this.calls.length >= count, `call ${count} arrives`);
    return this.calls[count - 1]!;
  }
}

async function collect(stream: AsyncIterable<Buffer>): Promise<string[]> {
  const items: string[] = [];
  for await (const item of stream) items.push(String(item));
  return items;
}

/** The error a promise rejects with. */
async function failureOf(promise: Promise<unknown>): Promise<FlotillaError> {
  try {
    await promise;
  } catch (error) {
    assert.ok(error instanceof FlotillaError, `a FlotillaError, not ${String(error)}`);
    return error;
  }
  assert.fail('the call should have failed');
}

export function transportCases(name: string, open: () => TransportUnderTest): void {
  describe(`wire over ${name}`, () => {
    const cleanup: (() => unknown)[] = [];
    let subject: TransportUnderTest;

    afterEach(async () => {
      for (const action of cleanup.splice(0).reverse()) await action();
    });

    async function serve(dispatch: Dispatch, limits: Partial<WireLimits> = {}): Promise<WireServer> {
      subject = open();
      const server = await subject.transport.listen({
        address: subject.address(),
        identity: identityOf('ledger-1'),
        dispatch,
        limits,
      });
      cleanup.push(() => server.close());
      return server;
    }

    async function connect(server: WireServer, options: Partial<DialOptions> = {}): Promise<Channel> {
      const channel = await subject.transport.dial({
        address: server.address,
        identity: identityOf('orders-1'),
        timeoutMs: 10_000,
        ...options,
      });
      cleanup.push(() => channel.close());
      return channel;
    }

    async function pair(dispatch: Dispatch, limits: Partial<WireLimits> = {}) {
      const server = await serve(dispatch, limits);
      return { server, channel: await connect(server) };
    }

    it('carries a call with everything that belongs to it', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const options: CallOptions = {
        deadlineMs: 60_000,
        user: { subject: 'ada', scopes: ['orders:write'], claims: { desk: 'x' } },
        trace: parseTraceparent('00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01')!,
        idempotencyKey: 'order-1',
      };
      const answer = channel.call('ledger.hold', bytes('{"amount":"1"}'), options);
      const { call, reply } = await inbox.next();
      assert.equal(call.operation, 'ledger.hold');
      assert.equal(String(call.payload), '{"amount":"1"}');
      assert.equal(call.streaming, false);
      assert.deepEqual(call.user, options.user);
      assert.deepEqual(call.trace, options.trace);
      assert.equal(call.idempotencyKey, 'order-1');
      assert.deepEqual({ ...call.peer }, { service: 'orders', instance: 'orders-1' });
      const remaining = call.remainingMs()!;
      assert.ok(remaining > 0 && remaining <= 60_000);
      assert.deepEqual([channel.inFlight, server.inFlight, server.connections], [1, 1, 1]);
      reply.value(bytes('{"hold":"h-1"}'));
      const result = await answer;
      assert.equal(String(result.payload), '{"hold":"h-1"}');
      assert.equal(result.replayed, false);
      assert.deepEqual([channel.inFlight, server.inFlight], [0, 0]);
      assert.deepEqual({ ...channel.peer }, { service: 'ledger', instance: 'ledger-1' });
    });

    it('tells a watcher once that nobody waits any more, and why', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const told: string[] = [];
      const watcher = { abandoned: ({ code }: FlotillaError) => told.push(code) };
      const giveUp = new AbortController();
      const given = failureOf(channel.call('ledger.slow', NOTHING, { signal: giveUp.signal }));
      const answered = channel.call('ledger.fast', NOTHING);
      const first = await inbox.next(1);
      const second = await inbox.next(2);
      first.call.watch(watcher);
      second.call.watch(watcher);
      second.reply.value(NOTHING);
      await answered;
      giveUp.abort();
      assert.equal((await given).code, 'cancelled');
      await until(() => !first.reply.open, 'the cancel arrives');
      channel.close();
      await until(() => channel.state === 'closed', 'the channel closes');
      assert.deepEqual(told, ['cancelled']);
      first.reply.value(NOTHING);
    });

    it('answers a frozen error to many, each time whole', async () => {
      const busy = Object.freeze(
        platformError('overloaded', 'too much', { data: { executed: 'no' }, retryAfterMs: 50 }),
      );
      const { channel } = await pair((_, reply) => reply.error(busy));
      const failures = await Promise.all(
        [1, 2, 3].map(() => failureOf(channel.call('ledger.hold', NOTHING))),
      );
      for (const error of failures) assert.deepEqual(error.toJSON(), busy.toJSON());
    });

    it('leaves out what a call does not carry', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const answer = channel.call('ledger.list', NOTHING);
      const { call, reply } = await inbox.next();
      assert.deepEqual(
        [call.user, call.trace, call.idempotencyKey, call.remainingMs(), call.payload.length],
        [undefined, undefined, undefined, undefined, 0],
      );
      reply.value(NOTHING);
      assert.equal((await answer).payload.length, 0);
    });

    it('gives each caller its own answer, in whatever order they come', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const answers = Array.from({ length: 200 }, (_, index) => channel.call('echo.it', bytes(`n${index}`)));
      await inbox.next(200);
      for (const { call, reply } of inbox.calls.toReversed()) reply.value(call.payload);
      for (const [index, { payload }] of (await Promise.all(answers)).entries()) {
        assert.equal(String(payload), `n${index}`);
      }
    });

    it('keeps the bytes of calls and answers valid while later ones arrive', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const first = channel.call('echo.it', bytes('first'));
      const { call, reply } = await inbox.next();
      reply.value(bytes('answer'));
      const { payload } = await first;
      for (let index = 2; index < 50; index++) {
        const next = channel.call('echo.it', Buffer.alloc(500, index));
        (await inbox.next(index)).reply.value(Buffer.alloc(500, index));
        await next;
      }
      assert.deepEqual([String(call.payload), String(payload)], ['first', 'answer']);
    });

    it('tells a receiver the outcome of a call sent without a promise', async () => {
      const { channel } = await pair((call, reply) => {
        if (call.operation === 'a.fail') reply.error(platformError('not_found', 'nothing'));
        else reply.value(call.payload);
      });
      const outcomes: string[] = [];
      const receiver = {
        succeeded: ({ payload }: CallResult) => outcomes.push(String(payload)),
        failed: ({ code }: FlotillaError) => outcomes.push(code),
      };
      channel.send('a.b', bytes('x'), {}, receiver);
      channel.send('a.fail', NOTHING, {}, receiver);
      assert.deepEqual(outcomes, []);
      await until(() => outcomes.length === 2, 'both outcomes arrive');
      assert.deepEqual(outcomes, ['x', 'not_found']);
      assert.throws(() => channel.send('a.b', NOTHING, { deadlineMs: 0 }, receiver), {
        code: 'deadline_exceeded',
      });
    });

    it('lets a call that was sent be cancelled, and then says nothing more about it', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const outcomes: string[] = [];
      const receiver = {
        succeeded: () => outcomes.push('succeeded'),
        failed: () => outcomes.push('failed'),
      };
      const sent = channel.send('a.b', NOTHING, {}, receiver);
      const { call, reply } = await inbox.next();
      sent.cancel();
      assert.equal(channel.inFlight, 0);
      await until(() => call.signal.aborted, 'the server learns of it');
      reply.value(NOTHING);
      const next = channel.call('a.c', NOTHING);
      (await inbox.next(2)).reply.value(NOTHING);
      await next;
      sent.cancel();
      assert.deepEqual(outcomes, []);
    });

    it('says when an answer is a stored one', async () => {
      const { channel } = await pair((call, reply) => reply.value(call.payload, true));
      assert.equal((await channel.call('a.b', bytes('x'))).replayed, true);
    });

    it('carries an error with its facts, and without its cause', async () => {
      const { channel } = await pair((_, reply) => {
        reply.error(
          new FlotillaError('insufficient_funds', 'too little', {
            data: { available: '3.50' },
            retryAfterMs: 250,
            declared: true,
            cause: new Error('row 17'),
          }),
        );
      });
      const error = await failureOf(channel.call('ledger.hold', NOTHING));
      assert.deepEqual(
        [error.code, error.message, error.data, error.retryAfterMs, error.declared, error.cause],
        ['insufficient_funds', 'too little', { available: '3.50' }, 250, true, undefined],
      );
    });

    it('answers a handler that throws with an error that gives nothing away', async () => {
      const { channel } = await pair(() => {
        throw new Error('password=1234');
      });
      const error = await failureOf(channel.call('a.b', NOTHING));
      assert.equal(error.code, 'internal');
      assert.ok(!error.message.includes('1234'));
    });

    it('answers once, whatever a handler does afterwards', async () => {
      const { channel, server } = await pair((_, reply) => {
        reply.value(bytes('one'));
        reply.value(bytes('two'));
        reply.error(platformError('internal', 'three'));
        reply.end();
      });
      assert.equal(String((await channel.call('a.b', NOTHING)).payload), 'one');
      assert.equal(String((await channel.call('a.b', NOTHING)).payload), 'one');
      assert.equal(server.inFlight, 0);
    });

    it('carries payloads of several megabytes both ways, among small calls', async () => {
      const { channel } = await pair((call, reply) => reply.value(call.payload));
      const large = Buffer.alloc(3_000_000);
      for (let index = 0; index < large.length; index += 997) large[index] = index;
      const answers = await Promise.all([
        channel.call('echo.it', large),
        channel.call('echo.it', bytes('small')),
        channel.call('echo.it', large),
      ]);
      assert.ok(answers[0].payload.equals(large));
      assert.equal(String(answers[1].payload), 'small');
      assert.ok(answers[2].payload.equals(large));
    });

    it('refuses a request above the server’s limit here, and the connection lives on', async () => {
      const { channel } = await pair((call, reply) => reply.value(call.payload), { maxFrame: 5000 });
      const error = await failureOf(channel.call('echo.it', Buffer.alloc(5000)));
      assert.deepEqual([error.code, error.data], ['payload_too_large', { executed: 'no' }]);
      const failed = channel.stream('echo.it', Buffer.alloc(5000));
      assert.equal((await failureOf(failed.next())).code, 'payload_too_large');
      assert.equal(String((await channel.call('echo.it', bytes('ok'))).payload), 'ok');
    });

    it('answers an answer above the caller’s limit with an error, and the connection lives on', async () => {
      const server = await serve((call, reply) => {
        const large = Buffer.alloc(10_000);
        if (call.streaming) reply.item(large);
        else reply.value(call.operation === 'a.large' ? large : bytes('ok'));
      });
      const channel = await connect(server, { limits: { maxFrame: 5000 } });
      assert.equal((await failureOf(channel.call('a.large', NOTHING))).code, 'payload_too_large');
      assert.equal((await failureOf(channel.stream('a.large', NOTHING).next())).code, 'payload_too_large');
      assert.equal(String((await channel.call('a.small', NOTHING)).payload), 'ok');
    });

    it('shortens an error too large for the caller', async () => {
      const server = await serve((_, reply) => {
        reply.error(platformError('conflict', 'm'.repeat(9000), { data: { rows: 'r'.repeat(9000) } }));
      });
      const channel = await connect(server, { limits: { maxFrame: 5000 } });
      const error = await failureOf(channel.call('a.b', NOTHING));
      assert.deepEqual([error.code, error.data], ['conflict', undefined]);
    });

    it('streams items in order to the end', async () => {
      const { channel, server } = await pair(async (call, reply) => {
        for (let index = 0; index < 500 && reply.open; index++)
          await reply.item(bytes(`${call.payload}${index}`));
        reply.end();
      });
      const items = await collect(channel.stream('market.watch', bytes('#')));
      assert.deepEqual(
        items,
        Array.from({ length: 500 }, (_, index) => `#${index}`),
      );
      assert.deepEqual([channel.inFlight, server.inFlight], [0, 0]);
    });

    it('ends a stream with the server’s error after the items before it', async () => {
      const { channel } = await pair((_, reply) => {
        reply.item(bytes('a'));
        reply.item(bytes('b'));
        reply.error(platformError('not_found', 'gone'));
      });
      const stream = channel.stream('a.b', NOTHING);
      assert.equal(String((await stream.next()).value), 'a');
      assert.equal(String((await stream.next()).value), 'b');
      assert.equal((await failureOf(stream.next())).code, 'not_found');
      assert.equal((await stream.next()).done, true);
    });

    it('stops the producer of a stream that nobody reads, while other calls go on', async () => {
      let sent = 0;
      const server = await serve(async (call, reply) => {
        if (!call.streaming) {
          reply.value(call.payload);
          return;
        }
        while (reply.open) {
          sent++;
          await reply.item(Buffer.alloc(100));
        }
        reply.end();
      });
      const channel = await connect(server, { limits: { window: 10 } });
      const stream = channel.stream('market.watch', NOTHING);
      await until(() => sent === 10, 'the window is full');
      for (let round = 0; round < 20; round++) await channel.call('echo.it', bytes('x'));
      assert.equal(sent, 10);
      for (let index = 0; index < 5; index++) await stream.next();
      await until(() => sent === 15, 'credit for half a window has come');
      await channel.call('echo.it', bytes('x'));
      assert.equal(sent, 15);
      await stream.return!();
      await until(() => server.inFlight === 0, 'the producer has stopped');
    });

    it('lets streams that are read go on beside one that is not', async () => {
      const { channel } = await pair(async (call, reply) => {
        const count = Number(String(call.payload));
        for (let index = 0; index < count && reply.open; index++) await reply.item(bytes(String(index)));
        reply.end();
      });
      const stuck = channel.stream('a.b', bytes('1000'));
      const counts = await Promise.all(
        [300, 400, 500].map(
          async (count) => (await collect(channel.stream('a.b', bytes(String(count))))).length,
        ),
      );
      assert.deepEqual(counts, [300, 400, 500]);
      assert.equal((await collect(stuck)).length, 1000);
    });

    it('tells the producer when the reader leaves', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const stream = channel.stream('market.watch', NOTHING);
      const { call, reply } = await inbox.next();
      reply.item(bytes('1'));
      for await (const item of stream) {
        assert.equal(String(item), '1');
        break;
      }
      assert.equal(channel.inFlight, 0);
      await until(() => call.signal.aborted, 'the handler’s signal aborts');
      assert.equal(call.signal.reason.code, 'cancelled');
      assert.equal(reply.open, false);
      assert.equal(reply.item(bytes('2')), undefined);
      assert.equal(server.inFlight, 1, 'a handler counts until it has finished');
      reply.end();
      assert.equal(server.inFlight, 0);
    });

    it('frees a producer that waits for room when the reader leaves', async () => {
      const inbox = new Inbox();
      const server = await serve(inbox.dispatch);
      const channel = await connect(server, { limits: { window: 1 } });
      const stream = channel.stream('a.b', NOTHING);
      const { reply } = await inbox.next();
      const room = reply.item(bytes('1'));
      assert.ok(room instanceof Promise);
      await stream.return!();
      await room;
      assert.equal(reply.open, false);
      reply.end();
    });

    it('ends a stream whose producer does not wait for room', async () => {
      const inbox = new Inbox();
      const server = await serve(inbox.dispatch);
      const channel = await connect(server, { limits: { window: 2 } });
      const stream = channel.stream('a.b', NOTHING);
      const { call, reply } = await inbox.next();
      for (const text of ['1', '2', '3', '4']) void reply.item(bytes(text));
      assert.equal(call.signal.aborted, true);
      reply.end();
      assert.equal(String((await stream.next()).value), '1');
      assert.equal(String((await stream.next()).value), '2');
      assert.equal((await failureOf(stream.next())).code, 'internal');
    });

    it('answers with an error where a stream is expected and a value comes, and the other way round', async () => {
      const { channel } = await pair((call, reply) => {
        if (call.operation === 'a.value') reply.value(bytes('x'));
        else if (call.operation === 'a.item') {
          reply.item(bytes('x'));
          reply.end();
        } else reply.end();
      });
      assert.equal((await failureOf(channel.stream('a.value', NOTHING).next())).code, 'internal');
      assert.equal((await failureOf(channel.call('a.item', NOTHING))).code, 'internal');
      assert.equal((await failureOf(channel.call('a.end', NOTHING))).code, 'internal');
      assert.equal(String((await channel.call('a.value', NOTHING)).payload), 'x');
    });

    it('cancels a call by its caller’s signal, here and at the server', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const controller = new AbortController();
      const answer = channel.call('a.b', NOTHING, { signal: controller.signal });
      const { call, reply } = await inbox.next();
      const seen: string[] = [];
      call.signal.addEventListener('abort', () => seen.push(call.signal.reason.code));
      controller.abort(new Error('the page was closed'));
      const error = await failureOf(answer);
      assert.deepEqual([error.code, error.data], ['cancelled', { executed: 'unknown' }]);
      assert.equal((error.cause as Error).message, 'the page was closed');
      await until(() => seen.length === 1, 'the handler’s signal aborts');
      assert.deepEqual(seen, ['cancelled']);
      reply.value(bytes('too late'));
      assert.equal(channel.state, 'open');
    });

    it('cancels a stream by its caller’s signal', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const controller = new AbortController();
      const stream = channel.stream('a.b', NOTHING, { signal: controller.signal });
      const { call, reply } = await inbox.next();
      const next = stream.next();
      controller.abort();
      assert.equal((await failureOf(next)).code, 'cancelled');
      assert.equal((await stream.next()).done, true);
      await until(() => call.signal.aborted, 'the handler’s signal aborts');
      reply.end();
    });

    it('gives the handler an aborted signal when it asks only after the cancellation', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const controller = new AbortController();
      const answer = failureOf(channel.call('a.b', NOTHING, { signal: controller.signal }));
      const { call, reply } = await inbox.next();
      controller.abort();
      await answer;
      await until(() => !reply.open, 'the cancellation arrives');
      assert.equal(call.signal.aborted, true);
      reply.value(NOTHING);
    });

    it('leaves the signal of a call that was answered alone', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const answer = channel.call('a.b', NOTHING, { deadlineMs: 50 });
      const { call, reply } = await inbox.next();
      reply.value(NOTHING);
      await answer;
      channel.close();
      await until(() => server.connections === 0, 'the connection has gone');
      assert.equal(call.signal.aborted, false);
    });

    it('does not send a call that is cancelled or late already', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const aborted = await failureOf(channel.call('a.b', NOTHING, { signal: AbortSignal.abort() }));
      assert.deepEqual([aborted.code, aborted.data], ['cancelled', { executed: 'no' }]);
      const late = await failureOf(channel.call('a.b', NOTHING, { deadlineMs: 0 }));
      assert.deepEqual([late.code, late.data], ['deadline_exceeded', { executed: 'no' }]);
      const probe = channel.call('a.probe', NOTHING);
      const { call, reply } = await inbox.next();
      assert.equal(call.operation, 'a.probe');
      reply.value(NOTHING);
      await probe;
    });

    it('ends a call at its deadline, here and at the server', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const answer = channel.call('a.slow', NOTHING, { deadlineMs: 60 });
      const { call, reply } = await inbox.next();
      const { signal } = call;
      const error = await failureOf(answer);
      assert.equal(error.code, 'deadline_exceeded');
      await until(() => signal.aborted, 'the handler’s signal aborts');
      assert.ok(['deadline_exceeded', 'cancelled'].includes(signal.reason.code));
      assert.equal(reply.open, false);
      reply.value(NOTHING);
      const next = channel.call('a.next', NOTHING);
      (await inbox.next(2)).reply.value(bytes('ok'));
      assert.equal(String((await next).payload), 'ok');
    });

    it('ends a stream at its deadline', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch);
      const stream = channel.stream('a.slow', NOTHING, { deadlineMs: 60 });
      const { reply } = await inbox.next();
      reply.item(bytes('1'));
      assert.equal(String((await stream.next()).value), '1');
      assert.equal((await failureOf(stream.next())).code, 'deadline_exceeded');
      await until(() => !reply.open, 'the handler learns of it');
      reply.end();
    });

    it('carries no more calls at once than the server allows', async () => {
      const inbox = new Inbox();
      const { channel } = await pair(inbox.dispatch, { maxInFlight: 2 });
      const answers = [channel.call('a.b', NOTHING), channel.call('a.b', NOTHING)];
      const error = await failureOf(channel.call('a.b', NOTHING));
      assert.deepEqual([error.code, error.data], ['overloaded', { executed: 'no' }]);
      await inbox.next(2);
      for (const { reply } of inbox.calls) reply.value(NOTHING);
      await Promise.all(answers);
      const again = channel.call('a.b', NOTHING);
      (await inbox.next(3)).reply.value(NOTHING);
      await again;
    });

    it('finishes calls in flight when the server drains, and refuses later ones as never executed', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const answer = channel.call('a.b', NOTHING);
      const items = collect(channel.stream('a.watch', NOTHING));
      await inbox.next(2);
      const events: string[] = [];
      channel.onDrain(() => events.push('drain'));
      channel.onClose((reason) => events.push(`close ${reason?.code}`));
      let drained = false;
      const draining = server.drain(60_000).then(() => {
        drained = true;
      });
      await until(() => channel.state === 'draining', 'the go-away arrives');
      const refused = await failureOf(channel.call('a.late', NOTHING));
      assert.deepEqual([refused.code, refused.data], ['unavailable', { executed: 'no' }]);
      assert.deepEqual([events, drained], [['drain'], false]);
      inbox.calls[0]!.reply.value(bytes('finished'));
      assert.equal(String((await answer).payload), 'finished');
      inbox.calls[1]!.reply.item(bytes('last'));
      inbox.calls[1]!.reply.end();
      assert.deepEqual(await items, ['last']);
      await draining;
      await until(() => channel.state === 'closed', 'the channel closes');
      assert.deepEqual(events, ['drain', 'close unavailable']);
      assert.equal(inbox.calls.length, 2);
    });

    it('delivers what was answered before the server drains, however large', async () => {
      const answer = Buffer.alloc(3_000_000, 'a');
      const { channel, server } = await pair((_, reply) => {
        reply.value(answer);
        void server.drain(60_000);
      });
      const { payload } = await channel.call('a.large', NOTHING);
      assert.ok(payload.equals(answer));
    });

    it('carries many calls under one signal', async () => {
      const { channel } = await pair((call, reply) => reply.value(call.payload));
      const warnings: string[] = [];
      const onWarning = (warning: Error) => warnings.push(warning.name);
      process.on('warning', onWarning);
      cleanup.push(() => process.off('warning', onWarning));
      const { signal } = new AbortController();
      await Promise.all(Array.from({ length: 100 }, () => channel.call('a.b', NOTHING, { signal })));
      assert.deepEqual([warnings, getEventListeners(signal, 'abort').length], [[], 0]);
    });

    it('ends an idle connection at once when the server drains, and accepts no other', async () => {
      const { channel, server } = await pair((_, reply) => reply.value(NOTHING));
      await server.drain(60_000);
      await until(() => channel.state === 'closed', 'the channel closes');
      const error = await failureOf(connect(server));
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
    });

    it('gives handlers up when draining takes longer than its grace', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const answer = failureOf(channel.call('a.stuck', NOTHING));
      const { call } = await inbox.next();
      await server.drain(20);
      assert.equal(call.signal.aborted, true);
      assert.equal(call.signal.reason.code, 'unavailable');
      const error = await answer;
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
    });

    it('fails calls in flight when either side closes, and aborts their handlers', async () => {
      const inbox = new Inbox();
      const { channel, server } = await pair(inbox.dispatch);
      const answer = failureOf(channel.call('a.b', NOTHING));
      const stream = channel.stream('a.b', NOTHING);
      const { call } = await inbox.next(2);
      const { signal } = inbox.calls[0]!.call;
      const reasons: unknown[] = [];
      channel.onClose((reason) => reasons.push(reason));
      channel.close();
      const error = await answer;
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
      assert.equal((await failureOf(stream.next())).code, 'unavailable');
      assert.deepEqual([channel.state, reasons], ['closed', [undefined]]);
      await until(() => signal.aborted && call.signal.aborted, 'the handlers’ signals abort');
      assert.equal(signal.reason.code, 'unavailable');
      const refused = await failureOf(channel.call('a.b', NOTHING));
      assert.deepEqual([refused.code, refused.data], ['unavailable', { executed: 'no' }]);

      const other = await connect(server);
      const lost = failureOf(other.call('a.b', NOTHING));
      await inbox.next(3);
      await server.close();
      assert.deepEqual((await lost).data, { executed: 'unknown' });
      let late: unknown;
      other.onClose((reason) => {
        late = reason?.code;
      });
      assert.equal(late, 'unavailable', 'a listener that comes late is told at once');
    });

    it('knows that a call which never left was not executed', async () => {
      const { channel } = await pair((_, reply) => reply.value(NOTHING));
      const answer = failureOf(channel.call('a.b', NOTHING));
      channel.close();
      const error = await answer;
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
    });

    it('refuses a peer with another secret, on both sides', async () => {
      const server = await serve((_, reply) => reply.value(NOTHING));
      const error = await failureOf(connect(server, { identity: identityOf('orders-1', 2) }));
      assert.equal(error.code, 'unauthenticated');
      assert.match(error.message, /secret/);
      assert.equal(server.connections, 0);
    });

    it('refuses a peer that is not the one expected', async () => {
      const server = await serve((_, reply) => reply.value(NOTHING));
      const error = await failureOf(connect(server, { expect: { service: 'risk' } }));
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
      assert.match(error.message, /ledger-1 of ledger/);
      await failureOf(connect(server, { expect: { service: 'ledger', instance: 'ledger-2' } }));
      const channel = await connect(server, { expect: { service: 'ledger', instance: 'ledger-1' } });
      assert.equal(channel.peer.instance, 'ledger-1');
    });

    it('says that nobody listens at an address', async () => {
      const server = await serve((_, reply) => reply.value(NOTHING));
      await server.close();
      const error = await failureOf(connect(server));
      assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
      assert.ok(error.message.includes(server.address));
      assert.match(error.message, /nothing listens/);
    });

    it('turns connections away above the server’s limit', async () => {
      const server = await serve((_, reply) => reply.value(NOTHING), { maxConnections: 1 });
      const first = await connect(server);
      const error = await failureOf(connect(server));
      assert.equal(error.code, 'unavailable');
      assert.match(error.message, /overloaded/);
      first.close();
      await until(() => server.connections === 0, 'the first has gone');
      await connect(server);
    });

    it('keeps an idle connection alive', async () => {
      const limits = { pingMs: 20, deadMs: 60 };
      const server = await serve((_, reply) => reply.value(bytes('ok')), limits);
      const channel = await connect(server, { limits });
      const end = performance.now() + 300;
      await until(() => performance.now() > end, 'several limits pass');
      assert.equal(channel.state, 'open');
      assert.equal(String((await channel.call('a.b', NOTHING)).payload), 'ok');
    });
  });
}
