import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, type TestContext, test } from 'node:test';
import { setTimeout as delay, setImmediate as turn } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { type Broker, type BrokerOptions, startBroker } from './broker.ts';
import { BrokerError } from './broker-error.ts';
import { RawClient } from './conformance/raw-client.ts';

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false,"headers":true,"protocol":1}\r\n';

async function start(t: TestContext, options: Partial<BrokerOptions> = {}): Promise<Broker> {
  const broker = await startBroker({ port: 0, credentials: [], noAuth: true, ...options });
  t.after(() => broker.close());
  return broker;
}

async function client(t: TestContext, broker: Broker, answerPings = true): Promise<RawClient> {
  const raw = await RawClient.connect(broker.port, answerPings);
  t.after(() => raw.close());
  return raw;
}

async function eventually(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited in vain for ${condition}`);
    await delay(5);
  }
}

function bodies(raw: RawClient): string[] {
  return raw.events.flatMap((event) => (event.kind === 'message' ? [event.body] : []));
}

describe('starting', () => {
  test('a taken port is an error that names the port and the way out', async (t) => {
    const broker = await start(t);
    await assert.rejects(startBroker({ port: broker.port, credentials: [{ token: 'x' }] }), (error) => {
      assert.ok(error instanceof BrokerError);
      assert.equal(error.code, 'address_in_use');
      assert.match(error.message, new RegExp(`port ${broker.port} .* another port`));
      assert.ok(error.cause instanceof Error);
      return true;
    });
  });

  test('an address of another machine, a port out of range and missing credentials are refused', async () => {
    const credentials = [{ token: 'x' }];
    await assert.rejects(startBroker({ host: '203.0.113.1', port: 0, credentials }), {
      code: 'address_not_available',
    });
    await assert.rejects(startBroker({ port: 70_000, credentials }), { code: 'invalid_option' });
    await assert.rejects(startBroker({ port: 0, credentials: [] }), { code: 'credentials_missing' });
  });

  test('the broker is known by its name, and its address by its URL', async (t) => {
    const broker = await start(t, { serverName: 'exchange' });
    assert.equal(broker.url, `nats://127.0.0.1:${broker.port}`);
    const { info } = await client(t, broker);
    assert.equal(info.server_name, 'exchange');
    const other = await start(t);
    assert.equal((await client(t, other)).info.server_name, 'flotilla');
  });
});

describe('winding down', () => {
  test('closing sends what is queued, ends every connection and frees the port', async (t) => {
    const broker = await start(t);
    const [subscriber, publisher] = [await client(t, broker), await client(t, broker)];
    subscriber.send(`${CONNECT}SUB a 1\r\n`);
    await subscriber.sync();
    publisher.send(`${CONNECT}PUB a 2\r\nhi\r\n`);
    await eventually(() => broker.stats().outMessages === 1);
    await Promise.all([broker.close(), broker.close()]);
    await Promise.all([subscriber.untilClosed(), publisher.untilClosed()]);
    assert.deepEqual(bodies(subscriber), ['hi']);
    assert.deepEqual([broker.stats().connections, broker.stats().subscriptions], [0, 0]);
    const next = await startBroker({ port: broker.port, credentials: [], noAuth: true });
    await next.close();
  });

  test('a client that does not take its bytes delays closing only until the deadline', async (t) => {
    const broker = await start(t);
    const [subscriber, publisher] = [await client(t, broker), await client(t, broker)];
    subscriber.send(`${CONNECT}SUB a 1\r\n`);
    await subscriber.sync();
    subscriber.pause();
    publisher.send(CONNECT + `PUB a 1000000\r\n${'x'.repeat(1_000_000)}\r\n`.repeat(20));
    await publisher.sync();
    assert.ok(broker.stats().pendingBytes > 0);
    await broker.close({ deadlineMs: 50 });
    assert.equal(broker.stats().connections, 0);
  });

  test('a slow client that is still within the deadline gets everything before its connection ends', async (t) => {
    const broker = await start(t);
    const [subscriber, publisher] = [await client(t, broker), await client(t, broker)];
    subscriber.send(`${CONNECT}SUB a 1\r\n`);
    await subscriber.sync();
    subscriber.pause();
    publisher.send(CONNECT + `PUB a 1000000\r\n${'x'.repeat(1_000_000)}\r\n`.repeat(20));
    await publisher.sync();
    const closed = broker.close({ deadlineMs: 10_000 });
    await publisher.untilClosed();
    await delay(100);
    subscriber.resume();
    await closed;
    await subscriber.untilClosed();
    assert.equal(bodies(subscriber).length, 20);
  });

  test('the official client goes on after a restart, with its subscriptions', async (t) => {
    const first = await start(t);
    const nats = await connect({ servers: first.url, reconnectTimeWait: 10, maxReconnectAttempts: -1 });
    t.after(() => nats.close());
    const received: string[] = [];
    nats.subscribe('a', {
      callback: (_, message) => {
        received.push(message.string());
      },
    });
    await nats.flush();
    const reconnected = (async () => {
      for await (const status of nats.status()) if (status.type === 'reconnect') return;
    })();
    await first.close();
    await start(t, { port: first.port });
    await reconnected;
    nats.publish('a', 'after');
    await nats.flush();
    assert.deepEqual(received, ['after']);
  });

  test('a lame duck tells its clients, takes no new ones and lets the rest go one after the other', async (t) => {
    const broker = await start(t);
    const clients = [await client(t, broker), await client(t, broker), await client(t, broker)];
    for (const raw of clients) raw.send(`${CONNECT}SUB a 1\r\n`);
    const old = await client(t, broker);
    old.send('CONNECT {"verbose":false,"protocol":0}\r\n');
    await Promise.all([...clients, old].map((raw) => raw.sync()));

    const done = broker.lameDuck({ graceMs: 100, durationMs: 400 });
    const again = broker.lameDuck({ graceMs: 0, durationMs: 0 });
    await clients[0]!.until(() => clients[0]!.info.ldm === true);
    clients[0]!.send('PUB a 5\r\nstill\r\n');
    await clients[0]!.sync();
    await clients[1]!.until(() => bodies(clients[1]!).length === 1);
    await assert.rejects(RawClient.connect(broker.port));
    assert.equal(old.info.ldm, undefined);

    await clients[0]!.untilClosed();
    assert.equal(old.closed, false);
    await Promise.all([done, again, old.untilClosed()]);
    assert.equal(broker.stats().connections, 0);
    await assert.rejects(broker.lameDuck(), { code: 'broker_closed' });
  });

  test('closing cuts a lame duck short', async (t) => {
    const broker = await start(t);
    const raw = await client(t, broker);
    const done = broker.lameDuck({ graceMs: 600_000 });
    await broker.close();
    await done;
    await raw.untilClosed();
  });
});

describe('clients that do not keep up', () => {
  const MESSAGE = `PUB a 60000\r\n${'x'.repeat(60_000)}\r\n`;

  test('one that takes nothing is disconnected before it costs more than its share; others get everything', async (t) => {
    const warnings: string[] = [];
    const broker = await start(t, {
      limits: { maxPending: 2_000_000, maxPayload: 1_000_000 },
      log: (level, message) => {
        if (level === 'warn') warnings.push(message);
      },
    });
    const [slow, quick, publisher] = [
      await client(t, broker),
      await client(t, broker),
      await client(t, broker),
    ];
    for (const raw of [slow, quick]) {
      raw.send(`${CONNECT}SUB a 1\r\n`);
      await raw.sync();
    }
    slow.pause();
    publisher.send(CONNECT);
    let sent = 0;
    let most = 0;
    while (broker.stats().slowConsumers === 0) {
      assert.ok(sent++ < 1_000, 'never disconnected');
      publisher.send(MESSAGE);
      await publisher.sync();
      most = Math.max(most, broker.stats().pendingBytes);
    }
    await quick.until(() => bodies(quick).length === sent);
    assert.ok(most <= 2 * 2_000_000, `${most} bytes were pending`);
    assert.equal(quick.closed, false);
    slow.resume();
    await slow.untilClosed();
    assert.equal(broker.stats().subscriptions, 1);
    assert.deepEqual(warnings, ['slow consumer: client has too many bytes waiting']);
  });

  test('one that takes nothing within the write deadline is disconnected', async (t) => {
    const broker = await start(t, { limits: { writeDeadlineMs: 100 } });
    const [slow, publisher] = [await client(t, broker), await client(t, broker)];
    slow.send(`${CONNECT}SUB a 1\r\n`);
    await slow.sync();
    slow.pause();
    publisher.send(CONNECT + MESSAGE.repeat(300));
    await eventually(() => broker.stats().slowConsumers === 1);
    await publisher.sync();
    assert.equal(broker.stats().pendingBytes, 0);
  });

  test('one that is merely slower than its publisher is waited for', async (t) => {
    const broker = await start(t, { limits: { maxPending: 1_500_000, maxPayload: 1_000_000 } });
    const [slower, publisher] = [await client(t, broker), await client(t, broker)];
    slower.send(`${CONNECT}SUB a 1\r\n`);
    await slower.sync();
    let reading = true;
    const stutter = (async () => {
      while (reading) {
        slower.pause();
        await delay(2);
        slower.resume();
        await turn();
      }
    })();
    publisher.send(CONNECT + MESSAGE.repeat(400));
    await slower.until(() => slower.closed || bodies(slower).length === 400);
    reading = false;
    await stutter;
    assert.equal(slower.closed, false);
    assert.equal(broker.stats().slowConsumers, 0);
  });
});

describe('connections', () => {
  test('a client that answers no PING is told that it is stale, and disconnected', async (t) => {
    const broker = await start(t, { limits: { pingIntervalMs: 40, maxPingsOut: 2 } });
    const deaf = await client(t, broker, false);
    deaf.send(`${CONNECT}SUB a 1\r\n`);
    await deaf.untilClosed();
    assert.deepEqual(
      deaf.events.flatMap((event) =>
        event.kind === 'error' ? [event.text] : event.kind === 'ping' ? ['PING'] : [],
      ),
      ['PING', 'PING', "'Stale Connection'"],
    );
    assert.deepEqual([broker.stats().staleConnections, broker.stats().subscriptions], [1, 0]);
  });

  test('a client that answers PING stays', async (t) => {
    const broker = await start(t, { limits: { pingIntervalMs: 20, maxPingsOut: 1 } });
    const idle = await client(t, broker);
    idle.send(CONNECT);
    await idle.until(() => idle.closed || idle.events.filter((event) => event.kind === 'ping').length === 6);
    assert.equal(idle.closed, false);
  });

  test('a client that closes its side after its last word still gets the answers', async (t) => {
    const broker = await start(t);
    const socket = createConnection({ host: '127.0.0.1', port: broker.port, allowHalfOpen: true });
    t.after(() => socket.destroy());
    socket.end('SUB a 1\r\nPUB a 2\r\nhi\r\nPING\r\n');
    const received = await text(socket);
    assert.match(received, /^INFO .*\r\n\+OK\r\n\+OK\r\nMSG a 1 2\r\nhi\r\nPONG\r\n$/);
    await eventually(() => broker.stats().connections === 0);
  });

  test('one connection too many is told so; there is room again when another has left', async (t) => {
    const broker = await start(t, { limits: { maxConnections: 1 } });
    const first = await client(t, broker);
    const second = await client(t, broker);
    await second.untilClosed();
    assert.deepEqual(second.events.at(-1), { kind: 'error', text: "'maximum connections exceeded'" });
    first.close();
    await eventually(() => broker.stats().connections === 0);
    const third = await client(t, broker);
    await third.sync();
    assert.equal(third.closed, false);
  });

  test('neither logs nor statistics contain what clients present or send', async (t) => {
    const lines: string[] = [];
    const broker = await start(t, {
      credentials: [{ token: 'right-secret' }],
      noAuth: false,
      log: (...entry) => lines.push(JSON.stringify(entry)),
    });
    const [good, bad] = [await client(t, broker), await client(t, broker)];
    bad.send('CONNECT {"auth_token":"wrong-secret"}\r\n');
    await bad.untilClosed();
    good.send('CONNECT {"auth_token":"right-secret","verbose":false}\r\nPUB a 7\r\npayload\r\nFOO\r\n');
    await good.untilClosed();
    assert.equal(broker.stats().authFailures, 1);
    assert.ok(lines.length >= 2);
    assert.doesNotMatch(lines.join('\n'), /secret|payload/);
  });

  test('statistics count messages, bytes, connections and subscriptions', async (t) => {
    const broker = await start(t);
    const [a, b] = [await client(t, broker), await client(t, broker)];
    for (const raw of [a, b]) {
      raw.send(`${CONNECT}SUB x 1\r\n`);
      await raw.sync();
    }
    a.send('PUB x 3\r\nabc\r\nPUB y 2\r\nde\r\n');
    await a.sync();
    const { inMessages, inBytes, outMessages, outBytes, connections, totalConnections, subscriptions } =
      broker.stats();
    assert.deepEqual(
      { inMessages, inBytes, outMessages, outBytes, connections, totalConnections, subscriptions },
      {
        inMessages: 2,
        inBytes: 5,
        outMessages: 2,
        outBytes: 6,
        connections: 2,
        totalConnections: 2,
        subscriptions: 2,
      },
    );
  });
});
