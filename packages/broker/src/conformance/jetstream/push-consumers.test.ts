import assert from 'node:assert/strict';
import { AckPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { collect, eventually, ms, publishAll, times } from './expectations.ts';
import { Delivery, pull, statusOf } from './pull.ts';
import { type Case, suite } from './suite.ts';

const cases: Case[] = [
  {
    name: 'a push consumer delivers when somebody listens, and takes acknowledgements',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(3, `${name}.a`));
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.Explicit,
        deliver_subject: `${name}-inbox`,
      });
      const before = await jsm.consumers.info(name, 'pusher');
      assert.deepEqual([before.push_bound ?? false, before.delivered.stream_seq], [false, 0]);
      const received = collect(nc.subscribe(`${name}-inbox`), 3);
      const deliveries = (await received).map((message) => new Delivery(nc, message));
      assert.deepEqual(
        deliveries.map(({ sequence }) => sequence),
        [1, 2, 3],
      );
      assert.deepEqual(
        deliveries.map(({ message }) => message.subject),
        times(3, `${name}.a`),
      );
      for (const delivery of deliveries) await delivery.confirm();
      const info = await jsm.consumers.info(name, 'pusher');
      assert.deepEqual([info.ack_floor.stream_seq, info.num_ack_pending], [3, 0]);
    },
  },
  {
    name: 'a push consumer redelivers what is not acknowledged, and stops at what may be pending',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(5, `${name}.a`));
      const received: Delivery[] = [];
      nc.subscribe(`${name}-inbox`, {
        callback: (_, message) => {
          received.push(new Delivery(nc, message));
        },
      });
      await nc.flush();
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.Explicit,
        deliver_subject: `${name}-inbox`,
        max_ack_pending: 2,
        ack_wait: ms(400),
      });
      await eventually('two came, and came again', () => received.length === 4);
      assert.deepEqual(
        received.map(({ sequence, deliveries }) => `${sequence}×${deliveries}`),
        ['1×1', '2×1', '1×2', '2×2'],
      );
      await received[0]!.confirm();
      await eventually('the next one comes', () => received.some(({ sequence }) => sequence === 3));
      assert.ok(!received.some(({ sequence }) => sequence > 3));
    },
  },
  {
    name: 'nothing is delivered while nobody listens, and what was missed comes afterwards',
    async run({ jsm, js, nc, name, connect }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.None,
        deliver_subject: `${name}-inbox`,
      });
      const listener = await connect();
      const heard: string[] = [];
      const listen = (client: NatsConnection) =>
        client.subscribe(`${name}-inbox`, {
          callback: (_, message) => {
            heard.push(message.string());
          },
        });
      listen(listener);
      await listener.flush();
      await js.publish(`${name}.a`, 'one');
      await eventually('it came', () => heard.length === 1);
      const bound = async () => (await jsm.consumers.info(name, 'pusher')).push_bound === true;
      assert.equal(await bound(), true);
      await listener.close();
      await eventually('the server has noticed', async () => !(await bound()));
      await publishAll(js, times(2, `${name}.a`));
      assert.equal((await jsm.consumers.info(name, 'pusher')).delivered.stream_seq, 1);
      listen(nc);
      await eventually('the rest came', () => heard.length === 3);
      assert.deepEqual(heard, ['one', '1', '2']);
    },
  },
  {
    name: 'a delivery group shares the messages',
    async run({ jsm, js, name, connect }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.None,
        deliver_subject: `${name}-inbox`,
        deliver_group: 'group',
      });
      const got: string[][] = [[], []];
      for (const own of got) {
        const member = await connect();
        member.subscribe(`${name}-inbox`, {
          queue: 'group',
          callback: (_, message) => {
            own.push(message.string());
          },
        });
        await member.flush();
      }
      await publishAll(js, times(100, `${name}.a`));
      await eventually('all came', () => got.flat().length >= 100);
      assert.equal(new Set(got.flat()).size, 100);
      for (const own of got) assert.ok(own.length > 10, `${own.length}`);
    },
  },
  {
    name: 'an idle consumer sends heartbeats with where it is',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(2, `${name}.a`));
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.None,
        deliver_subject: `${name}-inbox`,
        idle_heartbeat: ms(200),
      });
      const received = await collect(nc.subscribe(`${name}-inbox`), 4);
      const heartbeats = received.map(statusOf).filter((status) => status !== undefined);
      assert.equal(heartbeats.length, 2);
      for (const { code, text, headers } of heartbeats) {
        assert.deepEqual(
          [code, text, headers['Nats-Last-Consumer'], headers['Nats-Last-Stream']],
          [100, 'Idle Heartbeat', '2', '2'],
        );
      }
    },
  },
  {
    name: 'flow control waits for an answer, and goes on with it',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const body = new Uint8Array(10_000);
      await Promise.all(
        Array.from({ length: 400 }, () => js.publish(`${name}.a`, body, { timeout: 10_000 })),
      );
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.None,
        deliver_subject: `${name}-inbox`,
        flow_control: true,
        idle_heartbeat: ms(200),
      });
      let [messages, asked] = [0, 0];
      let held: (() => void) | undefined;
      let answering = false;
      nc.subscribe(`${name}-inbox`, {
        callback: (_, message) => {
          const status = statusOf(message);
          if (status === undefined) messages++;
          else if (status.text === 'FlowControl Request') {
            asked++;
            assert.ok(message.reply);
            if (answering) message.respond();
            else held = () => message.respond();
          } else {
            const stalled = status.headers['Nats-Consumer-Stalled'];
            if (stalled !== undefined && answering) nc.publish(stalled);
          }
        },
      });
      await eventually('it asks', () => asked === 1);
      const info = await jsm.consumers.info(name, 'pusher');
      await nc.flush();
      assert.ok(info.delivered.stream_seq < 400, `${info.delivered.stream_seq}`);
      answering = true;
      held?.();
      await eventually('all came', () => messages === 400);
      assert.ok(asked > 1);
    },
  },
  {
    name: 'what makes no sense for a push consumer is refused',
    async run({ jsm, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const deliver = { ack_policy: 'none', deliver_subject: `${name}-inbox` };
      const refusals: [code: number, config: object][] = [
        [10081, { deliver_subject: `${name}.a` }],
        [10079, { deliver_subject: `${name}-inbox.*` }],
        [10108, { flow_control: true }],
        [10080, { max_waiting: 5 }],
        [10083, { idle_heartbeat: ms(50) }],
      ];
      for (const [code, rest] of refusals) {
        const config = { ...deliver, ...rest };
        const { error } = await api(`CONSUMER.CREATE.${name}`, { stream_name: name, config });
        assert.equal(error?.err_code, code, JSON.stringify(rest));
      }
    },
  },
  {
    name: 'a push consumer cannot be pulled',
    async run({ jsm, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, {
        durable_name: 'pusher',
        ack_policy: AckPolicy.Explicit,
        deliver_subject: `${name}-inbox`,
      });
      const { end } = await pull(nc, name, 'pusher');
      assert.equal(`${end?.code} ${end?.text}`, '409 Consumer is push based');
    },
  },
  {
    name: 'the ordered push consumer of the official client reads everything in order',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      await publishAll(js, times(200, `${name}.a`));
      const consumer = await js.consumers.getPushConsumer(name);
      const messages = await consumer.consume();
      const read = collect(messages, 300);
      await publishAll(js, times(100, `${name}.b`));
      assert.deepEqual(
        (await read).map(({ seq }) => seq),
        Array.from({ length: 300 }, (_, i) => i + 1),
      );
    },
  },
];

suite('push consumers', cases);
