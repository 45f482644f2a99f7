/** Faults come and go, and nothing stays: a short version of ten minutes of it. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { queryObjects } from 'node:v8';
import type { Channel } from '../rpc/channel.ts';
import { socketTransport } from '../rpc/socket-transport.ts';
import { identityOf, until } from '../rpc/wire-harness.ts';
import { silentLogger } from '../telemetry/log.ts';
import { Metrics } from '../telemetry/metrics.ts';
import { Tracer } from '../telemetry/tracer.ts';
import type { Fault } from './fault.ts';
import { FaultInjector } from './fault-injector.ts';
import { parseFaultEffect, parseFaultTarget } from './fault-text.ts';
import { FaultyChannel } from './faulty-channel.ts';
import { FaultyLinks } from './faulty-links.ts';
import { faultyTransport } from './faulty-transport.ts';
import { HeldCall } from './latency-gate.ts';

const effects = ['latency=5ms±5', 'latency=600s', 'error=unavailable:30%', 'blackhole', 'reset:20%', 'reset'];
const rounds = 150;

/** What keeps the event loop, and so the process, busy. */
function resources(): number {
  const counted = ['Timeout', 'Immediate', 'TCPSocketWrap', 'TCPServerWrap', 'PipeWrap'];
  return process.getActiveResourcesInfo().filter((kind) => counted.includes(kind)).length;
}

describe('faults that are added and cleared for a long time', () => {
  it('leave no timer, no connection, no call and no listener behind', async () => {
    const injectorOf = (instance: string) =>
      new FaultInjector({
        identity: identityOf(instance),
        log: silentLogger,
        metrics: new Metrics(),
        tracer: new Tracer({ capacity: 64 }),
      });
    const risk = injectorOf('risk-1');
    const ledger = injectorOf('ledger-1');
    const server = await faultyTransport(socketTransport, ledger).listen({
      address: 'tcp://127.0.0.1:0',
      identity: identityOf('ledger-1'),
      dispatch: (call, reply) => reply.value(call.payload),
    });
    const caller = faultyTransport(socketTransport, risk);
    let channel: Channel | undefined;
    let settled = 0;
    let sent = 0;

    const round = async (number: number): Promise<void> => {
      const effect = effects[number % effects.length]!;
      const target = number % 4 < 2 ? 'risk->ledger' : 'ledger';
      const fault: Fault = {
        ...parseFaultEffect(effect),
        id: `f${number}`,
        target: parseFaultTarget(target),
        expiresAt: Date.now() + 60_000,
      };
      for (const injector of [risk, ledger]) injector.set([fault]);
      if (channel?.state !== 'open') {
        channel = await caller
          .dial({
            address: server.address,
            identity: identityOf('risk-1'),
            expect: { service: 'ledger', instance: 'ledger-1' },
            timeoutMs: 30,
          })
          .catch(() => undefined);
      }
      for (let calls = 0; calls < 5 && channel; calls++) {
        sent++;
        const done = () => {
          settled++;
        };
        channel.call('ledger.hold', Buffer.alloc(10)).then(done, done);
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
      for (const injector of [risk, ledger]) injector.set([]);
    };

    const quiet = async (): Promise<{ resources: number; connections: number }> => {
      await until(() => settled === sent, 'every call is answered or fails');
      await until(() => server.inFlight === 0, 'the server holds no call');
      channel?.close();
      await until(() => server.connections === 0, 'every connection is closed');
      await until(() => channel?.state !== 'open', 'the caller sees it');
      return { resources: resources(), connections: server.connections };
    };

    for (let number = 0; number < rounds / 3; number++) await round(number);
    const early = await quiet();
    for (let number = 0; number < rounds; number++) await round(number);
    await quiet();
    await until(() => resources() <= early.resources, 'no timer or socket is left');
    channel = undefined;
    const alive = () => [FaultyChannel, HeldCall].map((made) => queryObjects(made, { format: 'count' }));
    await until(() => alive().every((count) => count === 0), 'no object is left');
    assert.equal(queryObjects(FaultyLinks, { format: 'count' }), 1);
    assert.ok(sent > rounds, `${sent} calls were made`);
    await server.close();
  });
});
