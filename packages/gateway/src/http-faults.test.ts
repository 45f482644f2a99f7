import assert from 'node:assert/strict';
import { after, afterEach, before, describe as group, it } from 'node:test';
import {
  type Fault,
  FaultInjector,
  parseFaultEffect,
  parseFaultTarget,
  silentLogger,
  silentTelemetry,
} from 'flotilla';
import { parseGatewayConfig } from './config.ts';
import { type Gateway, startGateway } from './gateway.ts';
import { EventClient } from './testing/event-reader.ts';
import { FakeUpstream } from './testing/fake-upstream.ts';
import { dial, receive, send, statuses, until } from './testing/http-client.ts';
import { shop } from './testing/shop.ts';

const upstream = new FakeUpstream([shop], { 'shop.ping': () => ({ ok: true }) });
const telemetry = silentTelemetry();
const faults = new FaultInjector({
  identity: { service: 'gateway', instance: 'gateway-1' },
  random: () => 0.5,
  ...telemetry,
});
let gateway: Gateway;
let lastFault = 0;

function inject(...texts: readonly string[]): void {
  faults.set(
    texts.map((text): Fault => {
      const [target = '', effect = ''] = text.split(' ');
      const id = `f${++lastFault}`;
      return {
        ...parseFaultEffect(effect),
        id,
        target: parseFaultTarget(target),
        expiresAt: Date.now() + 60_000,
      };
    }),
  );
}

before(async () => {
  gateway = await startGateway({
    upstream,
    config: parseGatewayConfig({}),
    log: silentLogger,
    telemetry,
    faults,
    port: 0,
  });
});
afterEach(() => faults.set([]));
after(() => gateway.close());

const ping = () => send(gateway.port, '/v1/ping');
const resets = async (promise: Promise<unknown>) =>
  assert.rejects(promise, (error: NodeJS.ErrnoException) => error.code === 'ECONNRESET');

group('a fault on the gateway', () => {
  it('of another process changes nothing', async () => {
    inject('shop error=internal', 'gateway-2 error=internal', 'gateway->shop error=internal');
    assert.equal((await ping()).status, 200);
  });

  it('of latency holds requests back, and lets them go when it ends', async () => {
    const { length } = upstream.calls;
    inject('gateway latency=600s');
    const held = ping();
    await until(() => /kind="latency".* 1\n/.test(telemetry.metrics.render()), 'the request arrives');
    assert.equal(upstream.calls.length, length);
    faults.set([]);
    assert.equal((await held).status, 200);
    inject('gateway latency=5ms±1');
    assert.equal((await ping()).status, 200);
  });

  it('of latency forgets the request of a client that does not wait', async () => {
    const { length } = upstream.calls;
    inject('gateway latency=600s');
    const socket = await dial(gateway.port);
    socket.write('GET /v1/ping HTTP/1.1\r\nhost: a\r\n\r\n');
    await until(() => /kind="latency".* [3-9]\n/.test(telemetry.metrics.render()), 'the request arrives');
    socket.destroy();
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
    inject('gateway error=internal');
    assert.equal((await ping()).status, 500);
    assert.equal(upstream.calls.length, length);
  });

  it('of errors answers as the real error would, with a problem', async () => {
    inject('gateway error=overloaded');
    const answer = await ping();
    assert.deepEqual([answer.status, answer.json().code], [503, 'overloaded']);
    assert.equal(answer.headers['retry-after'], '1');
    inject('gateway error=unavailable:40%');
    assert.equal((await ping()).status, 200);
    inject('gateway error=unavailable:60%');
    assert.equal((await ping()).status, 503);
  });

  it('that is a black hole takes requests and answers nothing, streams included, until it ends', async () => {
    let go: (() => void) | undefined;
    let sent = false;
    upstream.answer('shop.watch', async function* () {
      yield { kind: 'a', sequence: 1 };
      await new Promise<void>((resolve) => {
        go = resolve;
      });
      sent = true;
      yield { kind: 'a', sequence: 2 };
    });
    const stream = await EventClient.open(gateway.port, '/v1/markets/X/stream');
    await stream.count(1);
    const kept = await dial(gateway.port);
    const received = receive(kept, (text) => statuses(text).length === 1);
    inject('gateway blackhole');
    const { length } = upstream.calls;
    kept.write('GET /v1/ping HTTP/1.1\r\nhost: a\r\n\r\n');
    const fresh = ping();
    await until(() => /kind="blackhole".* 2\n/.test(telemetry.metrics.render()), 'both are swallowed');
    go!();
    await until(() => sent, 'the service sends its event');
    assert.equal(stream.events.length, 1);
    assert.equal(upstream.calls.length, length);
    faults.set([]);
    assert.equal((await fresh).status, 200);
    assert.deepEqual(statuses(await received), [200]);
    await stream.count(2);
  });

  it('that is a reset cuts what there is and what comes', async () => {
    const kept = await dial(gateway.port);
    const closed = new Promise((resolve) => kept.on('error', resolve).on('close', resolve));
    inject('gateway reset');
    await closed;
    await resets(ping());
    inject('gateway reset:60%');
    await resets(ping());
    inject('gateway reset:40%');
    assert.equal((await ping()).status, 200);
  });

  it('does not keep a gateway from closing', async () => {
    const told = silentTelemetry();
    const own = new FaultInjector({ identity: { service: 'gateway', instance: 'gateway-1' }, ...told });
    const one = await startGateway({
      upstream,
      config: parseGatewayConfig({}),
      log: silentLogger,
      faults: own,
      port: 0,
    });
    const fault = { id: 'x', target: { service: 'gateway' }, expiresAt: Date.now() + 60_000 };
    own.set([{ ...fault, kind: 'blackhole' }]);
    const lost = send(one.port, '/v1/ping').catch((error: NodeJS.ErrnoException) => error.code);
    await until(() => /kind="blackhole".* 1\n/.test(told.metrics.render()), 'it is swallowed');
    await one.drain(50);
    assert.equal(await lost, 'ECONNRESET');
    own.close();
  });
});
