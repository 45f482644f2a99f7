import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, describe, it } from 'node:test';
import { FlotillaError } from '../errors/flotilla-error.ts';
import type { Channel, IncomingCall, Reply, Transport, WireServer } from '../rpc/channel.ts';
import { memoryTransport } from '../rpc/memory-transport.ts';
import { socketTransport } from '../rpc/socket-transport.ts';
import { identityOf, until } from '../rpc/wire-harness.ts';
import type { WireLimits } from '../rpc/wire-limits.ts';
import { silentLogger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { spanIdOf, traceIdOf } from '../telemetry/trace-context.ts';
import { Tracer } from '../telemetry/tracer.ts';
import type { Fault } from './fault.ts';
import { FaultInjector } from './fault-injector.ts';
import { parseFaultEffect, parseFaultTarget } from './fault-text.ts';
import { faultyTransport } from './faulty-transport.ts';

const directory = mkdtempSync(join(tmpdir(), 'faults-'));
after(() => rmSync(directory, { recursive: true }));

let lastFault = 0;
/** `risk->ledger latency=2s` for longer than any test. */
function fault(text: string, expiresAt = Date.now() + 60_000): Fault {
  const [target = '', effect = ''] = text.split(' ');
  const at = parseFaultTarget(target);
  return { ...parseFaultEffect(effect, at), id: `f${++lastFault}`, target: at, expiresAt };
}

async function failureOf(promise: Promise<unknown>): Promise<FlotillaError> {
  const outcome = await promise.then(
    (value) => value,
    (error: unknown) => error,
  );
  assert.ok(outcome instanceof FlotillaError, 'it should have failed');
  return outcome;
}

class Process {
  readonly tracer = new Tracer({ capacity: 64 });
  readonly injector: FaultInjector;
  readonly transport: Transport;
  readonly instance: string;
  constructor(instance: string, inner: Transport) {
    this.instance = instance;
    this.injector = new FaultInjector({
      identity: identityOf(instance),
      log: silentLogger,
      metrics: new Metrics(),
      tracer: this.tracer,
      random: () => 0.5,
    });
    this.transport = faultyTransport(inner, this.injector);
  }
}

let sockets = 0;
const transports: [string, () => Transport, () => string][] = [
  ['memory', memoryTransport, () => 'memory:'],
  ['TCP', () => socketTransport, () => 'tcp://127.0.0.1:0'],
  ['Unix sockets', () => socketTransport, () => `unix:${join(directory, `${++sockets}.sock`)}`],
];

for (const [name, open, address] of transports) {
  describe(`faults over ${name}`, () => {
    let risk: Process;
    let ledger: Process;
    let server: WireServer;
    let channel: Channel;
    let arrived: { call: IncomingCall; reply: Reply }[];
    const channels: Channel[] = [];

    const dial = async (limits: Partial<WireLimits> = {}) => {
      const dialled = await risk.transport.dial({
        address: server.address,
        identity: identityOf('risk-1'),
        expect: { service: 'ledger', instance: 'ledger-1' },
        timeoutMs: 10_000,
        limits,
      });
      channels.push(dialled);
      return dialled;
    };

    /** Operations that end in `later` are left to the test to answer. */
    async function start(limits: Partial<WireLimits> = {}): Promise<void> {
      const inner = open();
      risk = new Process('risk-1', inner);
      ledger = new Process('ledger-1', inner);
      arrived = [];
      server = await ledger.transport.listen({
        address: address(),
        identity: identityOf('ledger-1'),
        dispatch(call, reply) {
          arrived.push({ call, reply });
          if (call.operation.endsWith('later')) return;
          if (!call.streaming) return reply.value(call.payload);
          reply.item(call.payload);
          reply.end();
        },
        limits,
      });
      channel = await dial(limits);
    }

    afterEach(async () => {
      for (const each of channels.splice(0)) each.close();
      await server.close();
      risk.injector.close();
      ledger.injector.close();
    });

    const call = (operation = 'ledger.hold', options = {}) =>
      channel.call(operation, Buffer.from('x'), options);

    describe('on an edge', () => {
      it('latency holds calls back before they leave, and lets them go when it ends', async () => {
        await start();
        risk.injector.set([fault('risk->ledger latency=600s')]);
        const held = call();
        assert.equal(channel.inFlight, 1);
        risk.injector.set([]);
        assert.equal(String((await held).payload), 'x');
        assert.equal(channel.inFlight, 0);
      });

      it('latency passes after its time, with the deadline shortened by it', async () => {
        await start();
        risk.injector.set([fault('risk->ledger latency=30ms±10')]);
        await call('ledger.hold', { deadlineMs: 50_000 });
        assert.ok(arrived[0]!.call.due <= performance.now() + 50_000);
        const errors = await failureOf(call('ledger.hold', { deadlineMs: 5 }));
        assert.deepEqual([errors.code, errors.data], ['deadline_exceeded', { executed: 'unknown' }]);
        assert.equal(arrived.length, 1);
      });

      it('latency looks slow and not dead: a held call can be cancelled, and the peer does not stall', async () => {
        await start();
        risk.injector.set([fault('risk->ledger latency=600s')]);
        const abort = new AbortController();
        const held = call('ledger.hold', { signal: abort.signal });
        abort.abort();
        const error = await failureOf(held);
        assert.deepEqual([error.code, channel.inFlight, channel.stalled], ['cancelled', 0, false]);
      });

      it('hits the operation, direction and processes that it names, and nothing else', async () => {
        await start();
        const faults = ['risk->ledger.hold', 'ledger->risk', 'risk-2->ledger', 'ledger', 'risk'];
        risk.injector.set(faults.map((target) => fault(`${target} error=internal`)));
        assert.equal(risk.injector.active.length, 2);
        await call('ledger.release');
        assert.equal((await failureOf(call('ledger.hold'))).code, 'internal');
      });

      it('errors say that they were injected, and what a real one would say of execution', async () => {
        await start();
        risk.injector.set([fault('risk->ledger error=unavailable')]);
        const error = await failureOf(call());
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
        assert.match(error.message, /injected by fault f\d+ on risk->ledger/);
        assert.equal(error.remote, true, 'it counts as the answer of the instance');
        risk.injector.set([fault('risk->ledger error=overloaded')]);
        assert.deepEqual((await failureOf(call())).data, { executed: 'no' });
        risk.injector.set([fault('risk->ledger error=not_found')]);
        assert.equal((await failureOf(call())).data, undefined);
        assert.equal(arrived.length, 0);
      });

      it('a call that was sent without a promise fails the same way, or can be given up', async () => {
        await start();
        risk.injector.set([fault('risk->ledger latency=10ms'), fault('risk->ledger error=internal')]);
        const outcomes: string[] = [];
        const receiver = {
          succeeded: () => outcomes.push('succeeded'),
          failed: ({ code }: FlotillaError) => outcomes.push(code),
        };
        const givenUp = channel.send('ledger.hold', Buffer.alloc(0), {}, receiver);
        channel.send('ledger.hold', Buffer.alloc(0), {}, receiver);
        givenUp.cancel();
        assert.deepEqual([outcomes, channel.inFlight], [[], 1]);
        await until(() => outcomes.length > 0, 'the second fails');
        assert.deepEqual([outcomes, channel.inFlight], [['internal'], 0]);
        assert.throws(() => channel.send('a.b', Buffer.alloc(0), { deadlineMs: 0 }, receiver), {
          code: 'deadline_exceeded',
        });
      });

      it('streams are held back, failed and given up like calls', async () => {
        await start();
        const read = async () => {
          const items: string[] = [];
          for await (const item of channel.stream('ledger.watch', Buffer.from('i'))) items.push(String(item));
          return items;
        };
        risk.injector.set([fault('risk->ledger latency=20ms')]);
        assert.deepEqual(await read(), ['i']);
        risk.injector.set([fault('risk->ledger error=internal')]);
        assert.equal((await failureOf(read())).code, 'internal');
        risk.injector.set([fault('risk->ledger latency=600s')]);
        const stream = channel.stream('ledger.watch', Buffer.from('i'));
        const next = stream.next();
        assert.equal(channel.inFlight, 1);
        await stream.return?.();
        assert.deepEqual([(await next).done, channel.inFlight], [true, 0]);
      });

      it('a black hole swallows all: no answer, no pong, and no handshake of a new connection', async () => {
        await start();
        await call();
        const black = fault('risk->ledger blackhole');
        risk.injector.set([black]);
        const lost = call();
        await until(() => channel.stalled, 'the stall is noticed');
        assert.equal(arrived.length, 1);
        const refused = await failureOf(
          risk.transport.dial({
            address: server.address,
            identity: identityOf('risk-1'),
            expect: { service: 'ledger', instance: 'ledger-1' },
            timeoutMs: 50,
          }),
        );
        assert.deepEqual([refused.code, refused.data], ['unavailable', { executed: 'no' }]);
        risk.injector.set([]);
        await lost;
        assert.equal(arrived.length, 2);
      });

      it('a black hole that lasts longer than patience is a lost connection', async () => {
        await start({ pingMs: 40, deadMs: 80 });
        risk.injector.set([fault('risk->ledger blackhole')]);
        const error = await failureOf(call());
        assert.equal(error.code, 'unavailable');
        assert.equal(channel.state, 'closed');
        await until(() => server.connections === 0, 'the server has nothing left of it');
      });

      it('a reset cuts what there is and what comes, until it ends', async () => {
        await start();
        const lost = failureOf(call('ledger.later'));
        await until(() => arrived.length === 1, 'the call arrives');
        risk.injector.set([fault('risk->ledger reset')]);
        const error = await lost;
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
        assert.match(error.message, /cut by fault/);
        await until(() => arrived[0]!.call.signal.aborted, 'the server sees it');
        arrived[0]!.reply.end();
        assert.equal((await failureOf(dial())).code, 'unavailable');
        risk.injector.set([]);
        await (await dial()).call('ledger.hold', Buffer.alloc(0));
      });

      it('a reset with a rate lets the call leave, and cuts the connection behind it', async () => {
        await start();
        risk.injector.set([fault('risk->ledger reset:60%')]);
        const error = await failureOf(call('ledger.later'));
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
        assert.equal(channel.state, 'closed');
        risk.injector.set([fault('risk->ledger reset:40%')]);
        channel = await dial();
        await call();
      });

      it('held calls of a connection that closes fail as never sent', async () => {
        await start();
        risk.injector.set([fault('risk->ledger latency=600s')]);
        const held = failureOf(call());
        await server.close();
        const error = await held;
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'no' }]);
      });
    });

    describe('on a service', () => {
      it('latency holds calls back before they are handled', async () => {
        await start();
        ledger.injector.set([fault('ledger-1 latency=600s')]);
        const held = call();
        await until(() => server.inFlight === 1, 'the call arrives');
        assert.equal(arrived.length, 0);
        ledger.injector.set([]);
        await held;
        assert.deepEqual([arrived.length, server.inFlight], [1, 0]);
      });

      it('a call whose caller gives up while it is held is never handled', async () => {
        await start();
        ledger.injector.set([fault('ledger latency=600s')]);
        assert.equal((await failureOf(call('ledger.hold', { deadlineMs: 30 }))).code, 'deadline_exceeded');
        await until(() => server.inFlight === 0, 'the server lets go of it');
        assert.equal(arrived.length, 0);
      });

      it('errors are answers of the service', async () => {
        await start();
        ledger.injector.set([fault('ledger error=overloaded')]);
        const error = await failureOf(call());
        assert.deepEqual([error.code, error.remote, error.data], ['overloaded', true, { executed: 'no' }]);
        assert.deepEqual([arrived.length, server.inFlight], [0, 0]);
      });

      it('a black hole reads and answers nothing, not even handshakes', async () => {
        await start();
        const asked = call('ledger.later');
        await until(() => arrived.length === 1, 'the call arrives');
        ledger.injector.set([fault('ledger blackhole')]);
        arrived[0]!.reply.value(Buffer.from('late'));
        const lost = call();
        await until(() => channel.stalled, 'the stall is noticed');
        const hanging = dial();
        await until(() => channel.inFlight === 2, 'nothing is answered');
        assert.equal(arrived.length, 1);
        ledger.injector.set([]);
        assert.equal(String((await asked).payload), 'late');
        await Promise.all([lost, hanging]);
      });

      it('a reset cuts all connections, and every new one', async () => {
        await start();
        ledger.injector.set([fault('ledger reset')]);
        await until(() => channel.state === 'closed', 'the caller sees it');
        // A handshake may be quicker than the cut.
        const outcome = await dial().catch(() => undefined);
        await until(() => (outcome?.state ?? 'closed') === 'closed', 'a new one is cut as well');
        ledger.injector.set([]);
        await (await dial()).call('ledger.hold', Buffer.alloc(0));
      });

      it('a reset with a rate cuts the connection of the calls that it hits', async () => {
        await start();
        const other = await dial();
        ledger.injector.set([fault('ledger reset:60%')]);
        const error = await failureOf(call());
        assert.deepEqual([error.code, error.data], ['unavailable', { executed: 'unknown' }]);
        assert.deepEqual([other.state, arrived.length, server.inFlight], ['open', 0, 0]);
      });

      it('the server can be closed whatever is held', async () => {
        await start();
        ledger.injector.set([fault('ledger latency=600s'), fault('ledger blackhole')]);
        const lost = failureOf(call());
        await server.drain(10);
        assert.equal((await lost).code, 'unavailable');
        assert.equal(server.inFlight, 0);
      });
    });

    it('spans tell what was injected into them', async () => {
      await start();
      risk.injector.set([fault('risk->ledger latency=1ms')]);
      ledger.injector.set([fault('ledger latency=1ms'), fault('ledger error=internal')]);
      const span = risk.tracer.start('ledger/hold', 'client', undefined);
      assert.equal((await failureOf(call('ledger.hold', { trace: span }))).code, 'internal');
      span.end();
      const [client] = risk.tracer.spansOf(traceIdOf(span));
      assert.equal(client?.events?.[0]?.name, 'flotilla.fault');
      assert.equal(client.events[0].attributes?.['flotilla.fault.effect'], 'latency=1ms');
      const spans = ledger.tracer.spansOf(traceIdOf(span));
      assert.deepEqual(
        spans.map(({ name }) => name),
        ['fault latency', 'fault error'],
      );
      assert.equal(spans[0]!.parentSpanId, spanIdOf(span));
    });
  });
}
