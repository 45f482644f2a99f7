import assert from 'node:assert/strict';
import { AckPolicy, DeliverPolicy, DiscardPolicy, RetentionPolicy } from '@nats-io/jetstream';
import { eventually, ms, publishAll, refused, times } from './expectations.ts';
import { pull } from './pull.ts';
import { type Bench, type Case, suite } from './suite.ts';

/** First sequence, last sequence and number of messages. */
async function extent({ jsm }: Bench, name: string): Promise<[number, number, number]> {
  const { state } = await jsm.streams.info(name);
  return [state.first_seq, state.last_seq, state.messages];
}

const cases: Case[] = [
  {
    name: 'at its number of messages a stream gives up the oldest',
    async run(bench) {
      const { jsm, js, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.a`], max_msgs: 3 });
      await publishAll(js, times(5, `${name}.a`));
      assert.deepEqual(await extent(bench, name), [3, 5, 3]);
      await jsm.streams.update(name, { max_msgs: 1 });
      assert.deepEqual(await extent(bench, name), [5, 5, 1]);
    },
  },
  {
    name: 'at its number of bytes a stream gives up the oldest',
    async run(bench) {
      const { jsm, js, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.a`], max_bytes: 3_500 });
      for (let i = 0; i < 5; i++) await js.publish(`${name}.a`, new Uint8Array(1_000));
      assert.deepEqual(await extent(bench, name), [3, 5, 3]);
    },
  },
  {
    name: 'messages end at their age',
    async run(bench) {
      const { jsm, js, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.a`], max_age: ms(400) });
      await publishAll(js, times(3, `${name}.a`));
      assert.deepEqual(await extent(bench, name), [1, 3, 3]);
      await eventually('all have ended', async () => (await extent(bench, name))[2] === 0);
      assert.deepEqual(await extent(bench, name), [4, 3, 0]);
      assert.equal((await js.publish(`${name}.a`)).seq, 4);
    },
  },
  {
    name: 'at its number of messages per subject a stream gives up the oldest of the subject',
    async run(bench) {
      const { jsm, js, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.*`], max_msgs_per_subject: 2 });
      const [a, b] = [`${name}.a`, `${name}.b`];
      await publishAll(js, [a, b, a, a, b, a]);
      const { state } = await jsm.streams.info(name, { subjects_filter: '>', deleted_details: true });
      assert.deepEqual(state.subjects, { [a]: 2, [b]: 2 });
      assert.deepEqual([state.first_seq, state.deleted], [2, [3]]);
      await jsm.streams.update(name, { max_msgs_per_subject: 1 });
      await eventually('one is left of each', async () => (await extent(bench, name))[2] === 2);
    },
  },
  {
    name: 'a stream that discards the new refuses at its number of messages and of bytes',
    async run(bench) {
      const { jsm, js, name } = bench;
      const discard = DiscardPolicy.New;
      await jsm.streams.add({ name, subjects: [`${name}.a`], discard, max_msgs: 2 });
      await publishAll(js, times(2, `${name}.a`));
      await refused(js.publish(`${name}.a`), 10077);
      await jsm.streams.deleteMessage(name, 1);
      assert.equal((await js.publish(`${name}.a`)).seq, 3);
      const small = `${name}-small`;
      await jsm.streams.add({ name: small, subjects: [small], discard, max_bytes: 500 });
      await js.publish(small, new Uint8Array(300));
      await refused(js.publish(small, new Uint8Array(300)), 10077);
      assert.equal((await js.publish(small, new Uint8Array(50))).seq, 2);
    },
  },
  {
    name: 'a stream that discards the new per subject refuses the one more of a subject',
    async run({ jsm, js, name }) {
      await jsm.streams.add({
        name,
        subjects: [`${name}.*`],
        discard: DiscardPolicy.New,
        discard_new_per_subject: true,
        max_msgs_per_subject: 1,
      });
      await js.publish(`${name}.a`);
      await refused(js.publish(`${name}.a`), 10077);
      await js.publish(`${name}.b`);
      await jsm.streams.purge(name, { filter: `${name}.a` });
      await js.publish(`${name}.a`);
    },
  },
  {
    name: 'a work queue keeps a message until it is acknowledged',
    async run(bench) {
      const { jsm, js, nc, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.a`], retention: RetentionPolicy.Workqueue });
      await jsm.consumers.add(name, { durable_name: 'worker', ack_policy: AckPolicy.Explicit });
      await publishAll(js, times(4, `${name}.a`));
      const { messages } = await pull(nc, name, 'worker', { batch: 3 });
      await messages[1]!.confirm('+ACK');
      assert.deepEqual(await extent(bench, name), [1, 4, 3]);
      await messages[0]!.confirm('+TERM');
      assert.deepEqual(await extent(bench, name), [3, 4, 2]);
      await messages[2]!.confirm('-NAK');
      assert.deepEqual(await extent(bench, name), [3, 4, 2]);
    },
  },
  {
    name: 'a work queue has explicit consumers from the beginning, whose filters do not overlap',
    async run({ jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`], retention: RetentionPolicy.Workqueue });
      const worker = (durable_name: string, rest: object) =>
        jsm.consumers.add(name, { durable_name, ack_policy: AckPolicy.Explicit, ...rest });
      await refused(worker('up-to', { ack_policy: AckPolicy.All }), 10098);
      await refused(worker('late', { deliver_policy: DeliverPolicy.New }), 10101);
      await worker('a', { filter_subject: `${name}.a` });
      await refused(worker('all', {}), 10099);
      await refused(worker('a2', { filter_subject: `${name}.a` }), 10100);
      await worker('b', { filter_subject: `${name}.b` });
      await jsm.consumers.delete(name, 'a');
      await worker('a2', { filter_subject: `${name}.a` });
    },
  },
  {
    name: 'a stream by interest keeps what a consumer still needs, and nothing else',
    async run(bench) {
      const { jsm, js, nc, name } = bench;
      await jsm.streams.add({ name, subjects: [`${name}.*`], retention: RetentionPolicy.Interest });
      assert.equal((await js.publish(`${name}.a`)).seq, 1);
      assert.deepEqual(await extent(bench, name), [2, 1, 0]);
      for (const durable_name of ['one', 'two']) {
        await jsm.consumers.add(name, {
          durable_name,
          ack_policy: AckPolicy.Explicit,
          filter_subject: `${name}.a`,
        });
      }
      await publishAll(js, [`${name}.a`, `${name}.a`, `${name}.b`]);
      await eventually('what nobody wants is gone', async () => (await extent(bench, name))[2] === 2);
      const [one, two] = await Promise.all(['one', 'two'].map((each) => pull(nc, name, each, { batch: 2 })));
      for (const message of one!.messages) await message.confirm();
      assert.deepEqual((await extent(bench, name))[2], 2);
      await two!.messages[0]!.confirm();
      assert.deepEqual((await extent(bench, name))[2], 1);
      await jsm.consumers.delete(name, 'two');
      await eventually(
        'the last one that wanted it is gone',
        async () => (await extent(bench, name))[2] === 0,
      );
    },
  },
  {
    name: 'a stream has no more consumers than it allows',
    async run({ jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], max_consumers: 1 });
      const add = (durable_name: string) =>
        jsm.consumers.add(name, { durable_name, ack_policy: AckPolicy.Explicit });
      await add('one');
      await add('one');
      await refused(add('two'), 10026);
      await jsm.consumers.delete(name, 'one');
      await add('two');
    },
  },
];

suite('limits and retention', cases);
