import assert from 'node:assert/strict';
import { describe, type TestContext, test } from 'node:test';
import { type Engine, requireNatsServer, type StartEngine, startOurs, startReal } from './engine.ts';
import { RawClient } from './raw-client.ts';

interface Case {
  readonly name: string;
  run(t: TestContext, start: StartEngine): Promise<void>;
}

const CONNECT = 'CONNECT {"verbose":false,"pedantic":false}\r\n';

async function use(t: TestContext, starting: Promise<Engine>): Promise<Engine> {
  const engine = await starting;
  t.after(() => engine.stop());
  return engine;
}

async function client(t: TestContext, engine: Engine, answerPings = true): Promise<RawClient> {
  const raw = await RawClient.connect(engine.port, answerPings);
  t.after(() => raw.close());
  return raw;
}

function errorsOf(raw: RawClient): string[] {
  return raw.events.flatMap((event) => (event.kind === 'error' ? [event.text] : []));
}

const cases: Case[] = [
  {
    name: 'a client that answers no PING hears that it is stale after the allowed number',
    async run(t, start) {
      const engine = await use(t, start({ limits: { pingIntervalMs: 300, maxPingsOut: 2 } }));
      const deaf = await client(t, engine, false);
      deaf.send(CONNECT);
      await deaf.untilClosed();
      assert.deepEqual(
        deaf.events.slice(1).map((event) => (event.kind === 'error' ? event.text : event.kind)),
        ['ping', 'ping', "'Stale Connection'"],
      );
    },
  },
  {
    name: 'one connection too many gets INFO, the reason, and nothing else',
    async run(t, start) {
      const engine = await use(t, start({ limits: { maxConnections: 1 } }));
      // nats-server greets a client before it counts it.
      const first = await client(t, engine);
      first.send(CONNECT);
      await first.sync();
      const second = await client(t, engine);
      await second.untilClosed();
      assert.deepEqual(
        second.events.map((event) => event.kind),
        ['info', 'error'],
      );
      assert.deepEqual(errorsOf(second), ["'maximum connections exceeded'"]);
    },
  },
  {
    name: 'a slow consumer is disconnected without a word, and its publisher is not',
    async run(t, start) {
      const engine = await use(t, start({ limits: { maxPending: 1_100_000, writeDeadlineMs: 300 } }));
      const [slow, publisher] = [await client(t, engine), await client(t, engine)];
      slow.send(`${CONNECT}SUB a 1\r\n`);
      await slow.sync();
      slow.pause();
      publisher.send(CONNECT);
      const message = `PUB a 60000\r\n${'x'.repeat(60_000)}\r\n`;
      // Far more than the limit and the buffers of the operating system on both sides.
      for (let i = 0; i < 40; i++) {
        publisher.send(message.repeat(10));
        await publisher.sync();
      }
      slow.resume();
      await slow.untilClosed();
      assert.deepEqual(errorsOf(slow), []);
      assert.equal(publisher.closed, false);
      assert.ok(slow.events.filter((event) => event.kind === 'message').length < 400);
    },
  },
];

describe('limits of the broker', () => {
  for (const one of cases) test(one.name, (t) => one.run(t, startOurs));
});

describe('limits of nats-server', () => {
  for (const one of cases) {
    test(one.name, async (t) => {
      const executable = await requireNatsServer(t);
      if (executable !== undefined) await one.run(t, startReal(executable));
    });
  }
});
