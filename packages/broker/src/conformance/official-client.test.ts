import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type ConnectionOptions, errors, headers, type Msg, type NatsConnection } from '@nats-io/nats-core';
import { connect } from '@nats-io/transport-node';
import { type Engine, type EngineOptions, requireNatsServer, startOurs, startReal } from './engine.ts';

/** What one case gets: connections that are closed after it. */
interface Bench {
  readonly engine: Engine;
  connect(options?: ConnectionOptions): Promise<NatsConnection>;
}

interface Case {
  readonly name: string;
  readonly options?: EngineOptions;
  run(bench: Bench): Promise<void>;
}

async function collect(subscription: AsyncIterable<Msg>, count: number): Promise<Msg[]> {
  const messages: Msg[] = [];
  for await (const message of subscription) {
    messages.push(message);
    if (messages.length === count) break;
  }
  return messages;
}

const cases: Case[] = [
  {
    name: 'requests are answered, one at a time and many at once',
    async run({ connect }) {
      const [server, caller] = [await connect(), await connect()];
      server.subscribe('square', {
        callback: (_, message) => {
          message.respond(`${Number(message.string()) ** 2}`);
        },
      });
      await server.flush();
      assert.equal((await caller.request('square', '7')).string(), '49');
      const answers = await Promise.all(
        Array.from({ length: 500 }, (_, i) => caller.request('square', `${i}`, { timeout: 10_000 })),
      );
      assert.deepEqual(
        answers.map((answer) => Number(answer.string())),
        Array.from({ length: 500 }, (_, i) => i ** 2),
      );
      const own = await caller.request('square', '3', { noMux: true, timeout: 10_000 });
      assert.equal(own.string(), '9');
    },
  },
  {
    name: 'a request that nobody listens to fails at once',
    async run({ connect }) {
      const caller = await connect();
      for (const noMux of [false, true]) {
        await assert.rejects(caller.request('nobody', 'x', { timeout: 10_000, noMux }), (error) => {
          assert.ok(error instanceof errors.RequestError);
          return error.isNoResponders();
        });
      }
    },
  },
  {
    name: 'every member of a queue group gets its share, and every message reaches exactly one',
    async run({ connect }) {
      const members = [await connect(), await connect(), await connect()];
      const counts = [0, 0, 0];
      const seen = new Set<string>();
      const { promise: all, resolve } = Promise.withResolvers<void>();
      for (const [index, member] of members.entries()) {
        member.subscribe('work.*', {
          queue: 'workers',
          callback: (_, message) => {
            counts[index]!++;
            seen.add(message.string());
            if (seen.size === 3_000) resolve();
          },
        });
        await member.flush();
      }
      const publisher = await connect();
      for (let i = 0; i < 3_000; i++) publisher.publish(`work.${i % 7}`, `${i}`);
      await all;
      assert.equal(
        counts.reduce((sum, count) => sum + count),
        3_000,
      );
      // The chance that a fair pick leaves one of three below 800 of 3000 is about one in 10^15.
      for (const count of counts) assert.ok(count > 800, `${counts}`);
    },
  },
  {
    name: 'headers arrive with all their values, also on requests',
    async run({ connect }) {
      const [server, caller] = [await connect(), await connect()];
      server.subscribe('echo', {
        callback: (_, message) => {
          const reply = headers();
          for (const key of message.headers?.keys() ?? []) {
            for (const value of message.headers?.values(key) ?? []) reply.append(key, value);
          }
          message.respond(message.data, { headers: reply });
        },
      });
      await server.flush();
      const sent = headers();
      sent.append('Nats-Msg-Id', 'a b:c');
      sent.append('Trace', 'one');
      sent.append('Trace', 'två');
      const answer = await caller.request('echo', 'body', { headers: sent, timeout: 10_000 });
      assert.equal(answer.string(), 'body');
      assert.equal(answer.headers?.get('Nats-Msg-Id'), 'a b:c');
      assert.deepEqual(answer.headers?.values('Trace'), ['one', 'två']);
    },
  },
  {
    name: 'payloads of every size up to the limit arrive unchanged',
    async run({ connect }) {
      const [subscriber, publisher] = [await connect(), await connect()];
      const sizes = [0, 1, 63, 64, 65, 4_095, 4_096, 16_384, 16_385, 65_536, 1_000_000, 1_048_576];
      const received = collect(subscriber.subscribe('bytes'), sizes.length);
      await subscriber.flush();
      const payloads = sizes.map((size) =>
        Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255),
      );
      for (const payload of payloads) publisher.publish('bytes', payload);
      for (const [index, message] of (await received).entries()) {
        assert.equal(Buffer.compare(message.data, payloads[index]!), 0, `${sizes[index]} bytes`);
      }
    },
  },
  {
    name: 'subscriptions end by themselves at their maximum',
    async run({ connect }) {
      const [subscriber, publisher] = [await connect(), await connect()];
      const subscription = subscriber.subscribe('few', { max: 3 });
      const received = collect(subscription, Number.POSITIVE_INFINITY);
      await subscriber.flush();
      for (let i = 0; i < 10; i++) publisher.publish('few', `${i}`);
      assert.deepEqual(
        (await received).map((message) => message.string()),
        ['0', '1', '2'],
      );
    },
  },
  {
    name: 'draining hands over what was sent before, then closes',
    async run({ connect }) {
      const [subscriber, publisher] = [await connect(), await connect()];
      let received = 0;
      subscriber.subscribe('stream', {
        callback: () => {
          received++;
        },
      });
      await subscriber.flush();
      for (let i = 0; i < 1_000; i++) publisher.publish('stream', `${i}`);
      await publisher.flush();
      await subscriber.drain();
      assert.equal(received, 1_000);
      assert.equal(subscriber.isClosed(), true);
    },
  },
  {
    name: 'without echo a client does not hear itself',
    async run({ connect }) {
      const [quiet, other] = [await connect({ noEcho: true }), await connect()];
      const heard: string[] = [];
      quiet.subscribe('talk', {
        callback: (_, message) => {
          heard.push(message.string());
        },
      });
      await quiet.flush();
      quiet.publish('talk', 'own');
      await quiet.flush();
      other.publish('talk', 'other');
      await other.flush();
      await quiet.flush();
      assert.deepEqual(heard, ['other']);
    },
  },
  {
    name: 'a verbose and pedantic client is served',
    async run({ connect }) {
      const strict = await connect({ verbose: true, pedantic: true });
      const received = collect(strict.subscribe('a.*'), 1);
      strict.publish('a.b', 'x');
      assert.equal((await received)[0]?.subject, 'a.b');
    },
  },
  {
    name: 'subjects need not be ASCII',
    async run({ connect }) {
      const client = await connect();
      const received = collect(client.subscribe('grüße.*.🌍'), 1);
      client.publish('grüße.søren.🌍', 'x');
      assert.equal((await received)[0]?.subject, 'grüße.søren.🌍');
    },
  },
  {
    name: 'the announced limit on payloads is the one that is enforced',
    options: { limits: { maxPayload: 2_048 } },
    async run({ connect }) {
      const client = await connect();
      assert.equal(client.info?.max_payload, 2_048);
      assert.throws(() => client.publish('a', new Uint8Array(2_049)), /max_payload size exceeded/);
      client.publish('a', new Uint8Array(2_048));
      await client.flush();
    },
  },
  {
    name: 'a token opens the connection, a wrong one or none does not',
    options: { credentials: [{ token: 's3cret' }] },
    async run({ connect }) {
      await (await connect({ token: 's3cret' })).flush();
      for (const options of [{}, { token: 'wrong' }, { user: 's3cret', pass: 's3cret' }]) {
        await assert.rejects(connect({ ...options, reconnect: false }), errors.AuthorizationError);
      }
    },
  },
  {
    name: 'user and password open the connection, wrong ones do not',
    options: {
      credentials: [
        { user: 'ann', password: 'one' },
        { user: 'bob', password: 'two' },
      ],
    },
    async run({ connect }) {
      await (await connect({ user: 'ann', pass: 'one' })).flush();
      await (await connect({ user: 'bob', pass: 'two' })).flush();
      await assert.rejects(
        connect({ user: 'ann', pass: 'two', reconnect: false }),
        errors.AuthorizationError,
      );
    },
  },
  {
    name: 'INFO has what clients decide by',
    async run({ connect, engine }) {
      const { info } = await connect();
      assert.match(info?.server_id ?? '', /^N[A-Z2-7]{55}$/);
      const { version, proto, headers, max_payload, port, client_ip } = info!;
      assert.deepEqual(
        { version, proto, headers, max_payload, port, client_ip },
        {
          version: '2.9.10',
          proto: 1,
          headers: true,
          max_payload: 1_048_576,
          port: engine.port,
          client_ip: '127.0.0.1',
        },
      );
      assert.equal(typeof info?.client_id, 'number');
    },
  },
  {
    name: 'a client that leaves without a word leaves nothing behind',
    async run({ connect }) {
      const [leaver, caller] = [await connect(), await connect()];
      leaver.subscribe('svc', {
        callback: (_, message) => {
          message.respond();
        },
      });
      await leaver.flush();
      await caller.request('svc');
      await leaver.close();
      // The close reaches the server on its own way: until then the request may be sent to the one that left.
      for (let attempt = 0; attempt < 20; attempt++) {
        const error = await caller.request('svc', '', { timeout: 250 }).then(
          () => assert.fail('answered'),
          (failure: unknown) => failure,
        );
        if (error instanceof errors.RequestError && error.isNoResponders()) return;
      }
      assert.fail('the subscription outlived its client');
    },
  },
];

async function runCase(
  t: TestContext,
  start: (options: EngineOptions) => Promise<Engine>,
  one: Case,
): Promise<void> {
  const engine = await start(one.options ?? {});
  const connections: NatsConnection[] = [];
  t.after(async () => {
    for (const connection of connections) await connection.close();
    await engine.stop();
  });
  await one.run({
    engine,
    connect: async (options = {}) => {
      const connection = await connect({ servers: `127.0.0.1:${engine.port}`, ...options });
      connections.push(connection);
      return connection;
    },
  });
}

describe('the official client on the broker', () => {
  for (const one of cases) test(one.name, (t) => runCase(t, startOurs, one));
});

describe('the official client on nats-server', () => {
  for (const one of cases) {
    test(one.name, async (t) => {
      const executable = await requireNatsServer(t);
      if (executable !== undefined) await runCase(t, startReal(executable), one);
    });
  }
});
