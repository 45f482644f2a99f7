import assert from 'node:assert/strict';
import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { collect, eventually, ms, publishAll, times } from './expectations.ts';
import { Delivery, pull, startPull, statusOf } from './pull.ts';
import { type Bench, type Case, suite } from './suite.ts';

/** A stream with that many messages, and a durable consumer `reader`. */
async function prepare({ jsm, js, name }: Bench, count: number, rest: Partial<ConsumerConfig> = {}) {
  await jsm.streams.add({ name, subjects: [`${name}.a`] });
  await publishAll(js, times(count, `${name}.a`));
  await jsm.consumers.add(name, { durable_name: 'reader', ack_policy: AckPolicy.Explicit, ...rest });
}

/** Code and text of the status that ended a pull. */
function ending({ end }: Awaited<ReturnType<typeof pull>>): string {
  return end === undefined ? 'complete' : `${end.code} ${end.text}`;
}

const cases: Case[] = [
  {
    name: 'an empty request asks for one message, a number for that many, and each message is given once',
    async run(bench) {
      await prepare(bench, 6);
      const { nc, name } = bench;
      const sequences = [];
      for (const request of ['', '2', '{"batch":3}']) {
        const { messages } = await pull(
          nc,
          name,
          'reader',
          request === '{"batch":3}' ? { batch: 3 } : request,
        );
        sequences.push(messages.map(({ sequence }) => sequence));
      }
      assert.deepEqual(sequences, [[1], [2, 3], [4, 5, 6]]);
    },
  },
  {
    name: 'a request waits for what is published later',
    async run(bench) {
      await prepare(bench, 1);
      const { nc, js, jsm, name } = bench;
      const pulling = pull(nc, name, 'reader', { batch: 3, expires: ms(5_000) });
      await eventually('it waits', async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 1);
      await publishAll(js, times(2, `${name}.a`));
      assert.deepEqual(
        (await pulling).messages.map(({ text }) => text),
        ['1', '1', '2'],
      );
      assert.equal((await jsm.consumers.info(name, 'reader')).num_waiting, 0);
    },
  },
  {
    name: 'without waiting, what is there is given and the request ends',
    async run(bench) {
      await prepare(bench, 2);
      const { nc, name } = bench;
      const some = await pull(nc, name, 'reader', { batch: 5, no_wait: true });
      assert.equal(some.messages.length, 2);
      assert.equal(ending(some), '408 Request Timeout');
      assert.equal(ending(await pull(nc, name, 'reader', { batch: 5, no_wait: true })), '404 No Messages');
    },
  },
  {
    name: 'without waiting but with an end, an empty stream is waited for until then',
    async run(bench) {
      await prepare(bench, 0);
      const { nc, js, name } = bench;
      const pulling = pull(nc, name, 'reader', { batch: 1, no_wait: true, expires: ms(5_000) });
      await nc.flush();
      await js.publish(`${name}.a`, 'late');
      assert.deepEqual(
        (await pulling).messages.map(({ text }) => text),
        ['late'],
      );
    },
  },
  {
    name: 'a request ends when it expires, and says what it did not use',
    async run(bench) {
      await prepare(bench, 2);
      const { nc, name } = bench;
      const pulled = await pull(nc, name, 'reader', { batch: 10, expires: ms(300) });
      assert.equal(pulled.messages.length, 2);
      assert.equal(ending(pulled), '408 Request Timeout');
      assert.equal(pulled.end?.headers['Nats-Pending-Messages'], '8');
      assert.equal(pulled.end?.headers['Nats-Pending-Bytes'], '0');
    },
  },
  {
    name: 'a request that waits sends heartbeats',
    async run(bench) {
      await prepare(bench, 0);
      const { nc, name } = bench;
      const request = { batch: 1, expires: ms(800), idle_heartbeat: ms(200) };
      const pulled = await pull(nc, name, 'reader', request);
      assert.ok(pulled.heartbeats.length >= 2, `${pulled.heartbeats.length}`);
      assert.equal(pulled.heartbeats[0]?.text, 'Idle Heartbeat');
      assert.equal(ending(pulled), '408 Request Timeout');
      const hasty = { batch: 1, expires: ms(800), idle_heartbeat: ms(700) };
      assert.equal(
        ending(await pull(nc, name, 'reader', hasty)),
        '400 Bad Request - heartbeat value too large',
      );
    },
  },
  {
    name: 'a request is limited by bytes',
    async run(bench) {
      const { nc, js, name } = bench;
      await prepare(bench, 0);
      for (let i = 0; i < 4; i++) await js.publish(`${name}.a`, new Uint8Array(1_000));
      const pulled = await pull(nc, name, 'reader', { batch: 10, max_bytes: 2_500, expires: ms(1_000) });
      assert.equal(pulled.messages.length, 2);
      assert.equal(ending(pulled), '409 Message Size Exceeds MaxBytes');
      assert.equal(pulled.end?.headers['Nats-Pending-Messages'], '8');
      const none = await pull(nc, name, 'reader', { batch: 1, max_bytes: 500, expires: ms(1_000) });
      assert.equal(none.messages.length, 0);
      assert.equal(ending(none), '409 Message Size Exceeds MaxBytes');
    },
  },
  {
    name: 'a consumer limits what one request may ask for',
    async run(bench) {
      await prepare(bench, 1, { max_batch: 5, max_expires: ms(1_000), max_bytes: 1_000 });
      const { nc, name } = bench;
      const endings = [];
      for (const request of [
        { batch: 6 },
        { batch: 1, expires: ms(2_000) },
        { batch: 1, expires: ms(500), max_bytes: 2_000 },
      ]) {
        endings.push(ending(await pull(nc, name, 'reader', request)));
      }
      assert.deepEqual(endings, [
        '409 Exceeded MaxRequestBatch of 5',
        '409 Exceeded MaxRequestExpires of 1s',
        '409 Exceeded MaxRequestMaxBytes of 1000',
      ]);
    },
  },
  {
    name: 'a consumer has no more waiting requests than it allows',
    async run(bench) {
      await prepare(bench, 0, { max_waiting: 2 });
      const { nc, jsm, name } = bench;
      const waiting = [1, 2].map(() => pull(nc, name, 'reader', { batch: 1, expires: ms(1_000) }));
      await eventually('both wait', async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 2);
      const third = await pull(nc, name, 'reader', { batch: 1, expires: ms(1_000) });
      assert.equal(ending(third), '409 Exceeded MaxWaiting');
      await Promise.all(waiting);
    },
  },
  {
    name: 'requests that wait are served in turn',
    async run(bench) {
      await prepare(bench, 0);
      const { js, jsm, name } = bench;
      const [one, two] = [await bench.connect(), await bench.connect()];
      const first = pull(one, name, 'reader', { batch: 2, expires: ms(5_000) });
      await eventually(
        'the first waits',
        async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 1,
      );
      const second = pull(two, name, 'reader', { batch: 2, expires: ms(5_000) });
      await eventually('both wait', async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 2);
      await publishAll(js, times(4, `${name}.a`));
      const given = [await first, await second].map(({ messages }) => messages.map(({ text }) => text));
      assert.deepEqual(given, [
        ['1', '3'],
        ['2', '4'],
      ]);
    },
  },
  {
    name: 'a request whose client has left is not served',
    async run(bench) {
      await prepare(bench, 0);
      const { nc, js, jsm, name } = bench;
      const leaver = await bench.connect();
      startPull(leaver, name, 'reader', { batch: 10, expires: ms(20_000) });
      await eventually('it waits', async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 1);
      await leaver.close();
      await eventually(
        'it is gone',
        async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 0,
      );
      await js.publish(`${name}.a`, 'for the one who is there');
      const { messages } = await pull(nc, name, 'reader', { batch: 1, expires: ms(5_000) });
      assert.deepEqual(
        messages.map(({ text, deliveries }) => [text, deliveries]),
        [['for the one who is there', 1]],
      );
    },
  },
  {
    name: 'a request that waits is told when its consumer is deleted',
    async run(bench) {
      await prepare(bench, 0);
      const { nc, jsm, name } = bench;
      const pulling = pull(nc, name, 'reader', { batch: 1, expires: ms(10_000) });
      await eventually('it waits', async () => (await jsm.consumers.info(name, 'reader')).num_waiting === 1);
      await jsm.consumers.delete(name, 'reader');
      assert.equal(ending(await pulling), '409 Consumer Deleted');
    },
  },
  {
    name: 'a malformed request is refused',
    async run(bench) {
      await prepare(bench, 1);
      const { nc, name } = bench;
      for (const body of ['{"batch":', '{"batch":"x"}']) {
        const answer = await nc.request(`$JS.API.CONSUMER.MSG.NEXT.${name}.reader`, body);
        assert.equal(statusOf(answer)?.code, 400, body);
      }
    },
  },
  {
    name: 'the official client fetches, takes the next one, and consumes without end',
    async run(bench) {
      await prepare(bench, 500, { max_ack_pending: 1_000 });
      const { js, jsm, name } = bench;
      const consumer = await js.consumers.get(name, 'reader');
      const next = await consumer.next({ expires: 1_000 });
      assert.equal(next?.string(), '1');
      await next?.ackAck();
      const fetched = await collect(await consumer.fetch({ max_messages: 99, expires: 5_000 }));
      assert.equal(fetched.length, 99);
      for (const message of fetched) message.ack();
      const numbers: number[] = [];
      const messages = await consumer.consume({ max_messages: 50 });
      for await (const message of messages) {
        numbers.push(Number(message.string()));
        message.ack();
        if (numbers.length === 400) break;
      }
      assert.deepEqual(
        numbers,
        Array.from({ length: 400 }, (_, i) => i + 101),
      );
      await eventually('everything is acknowledged', async () => {
        const { ack_floor, num_ack_pending, num_pending } = await jsm.consumers.info(name, 'reader');
        return ack_floor.stream_seq === 500 && num_ack_pending === 0 && num_pending === 0;
      });
    },
  },
  {
    name: 'several clients share the messages of a consumer, each message once',
    async run(bench) {
      await prepare(bench, 300);
      const { name } = bench;
      const members = await Promise.all([1, 2, 3].map(() => bench.connect()));
      const taken = await Promise.all(
        members.map(async (member) => {
          const own: number[] = [];
          for (;;) {
            const { messages } = await pull(member, name, 'reader', { batch: 7, no_wait: true });
            if (messages.length === 0) return own;
            for (const message of messages) {
              own.push(message.sequence);
              message.send();
            }
          }
        }),
      );
      const all = taken.flat().toSorted((a, b) => a - b);
      assert.deepEqual(
        all,
        Array.from({ length: 300 }, (_, i) => i + 1),
      );
    },
  },
  {
    name: 'an acknowledgement that asks for the next message gets it',
    async run(bench) {
      await prepare(bench, 4);
      const { nc, jsm, name } = bench;
      const info = () => jsm.consumers.info(name, 'reader');
      const inbox = `${name}-inbox`;
      const received = collect(nc.subscribe(inbox), 3);
      const [first] = (await pull(nc, name, 'reader')).messages;
      first!.send('+NXT', inbox);
      await eventually('the next one is given', async () => (await info()).num_ack_pending === 1);
      assert.equal((await info()).ack_floor.stream_seq, 1);
      first!.send('+NXT {"batch":2}', inbox);
      const deliveries = (await received).map((message) => new Delivery(nc, message));
      assert.deepEqual(
        deliveries.map(({ text }) => text),
        ['2', '3', '4'],
      );
    },
  },
];

suite('pull requests', cases);
