import assert from 'node:assert/strict';
import { type JetStreamPublishOptions, StorageType } from '@nats-io/jetstream';
import { errors, headers } from '@nats-io/nats-core';
import { collect, eventually, ms, publishAll, refused, times } from './expectations.ts';
import { type Case, suite } from './suite.ts';

type Expectation = Partial<JetStreamPublishOptions>['expect'];

const cases: Case[] = [
  {
    name: 'a publish is acknowledged with the stream and the sequence',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.>`] });
      assert.deepEqual(await js.publish(`${name}.a`, 'x'), { stream: name, seq: 1, duplicate: false });
      assert.deepEqual(await js.publish(`${name}.b.c`), { stream: name, seq: 2, duplicate: false });
    },
  },
  {
    name: 'what is published without asking for an acknowledgement is stored, and heard by others as well',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const heard = collect(nc.subscribe(`${name}.*`), 2);
      nc.publish(`${name}.a`, 'one');
      nc.publish(`${name}.a`, 'two');
      assert.deepEqual(
        (await heard).map((message) => message.string()),
        ['one', 'two'],
      );
      await eventually('both are stored', async () => (await jsm.streams.info(name)).state.messages === 2);
      assert.equal((await js.publish(`${name}.a`)).seq, 3);
    },
  },
  {
    name: 'a thousand at once are all acknowledged, and stored in the order of their publisher',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      const acks = await Promise.all(
        Array.from({ length: 1_000 }, (_, i) => js.publish(`${name}.${i % 7}`, `${i}`, { timeout: 10_000 })),
      );
      assert.deepEqual(
        acks.map(({ seq }) => seq),
        Array.from({ length: 1_000 }, (_, i) => i + 1),
      );
      const consumer = await js.consumers.get(name);
      const messages = await collect(await consumer.fetch({ max_messages: 1_000 }), 1_000);
      assert.deepEqual(
        messages.map((message) => Number(message.string())),
        acks.map((_, i) => i),
      );
    },
  },
  {
    name: 'a subject of no stream has no responder',
    async run({ js, name }) {
      const failure = js.publish(`${name}.nowhere`, '', { retries: 0 });
      await assert.rejects(failure, ({ cause }: Error) => cause instanceof errors.RequestError);
    },
  },
  {
    name: 'a stream without acknowledgements stores in silence',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], no_ack: true });
      await assert.rejects(nc.request(`${name}.a`, 'x', { timeout: 200 }), /timeout/);
      assert.equal((await jsm.streams.info(name)).state.messages, 1);
      await assert.rejects(js.publish(`${name}.a`, '', { timeout: 200, retries: 0 }), /timeout/);
    },
  },
  {
    name: 'a message id is stored once within the duplicate window, also with another payload or subject',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      assert.deepEqual(await js.publish(`${name}.a`, 'x', { msgID: 'one' }), {
        stream: name,
        seq: 1,
        duplicate: false,
      });
      assert.deepEqual(await js.publish(`${name}.b`, 'y', { msgID: 'one' }), {
        stream: name,
        seq: 1,
        duplicate: true,
      });
      assert.equal((await js.publish(`${name}.a`, 'x', { msgID: 'two' })).seq, 2);
      await jsm.streams.deleteMessage(name, 1);
      assert.equal((await js.publish(`${name}.a`, 'x', { msgID: 'one' })).duplicate, true);
      await jsm.streams.purge(name);
      assert.equal((await js.publish(`${name}.a`, 'x', { msgID: 'two' })).duplicate, true);
    },
  },
  {
    name: 'after the duplicate window an id is new again',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], duplicate_window: ms(250) });
      await js.publish(`${name}.a`, 'x', { msgID: 'one' });
      const stored = async () => !(await js.publish(`${name}.a`, 'x', { msgID: 'one' })).duplicate;
      await eventually('the id is forgotten', stored);
      const [first, second] = await Promise.all([1, 2].map((seq) => jsm.streams.getMessage(name, { seq })));
      assert.ok(second!.time.getTime() - first!.time.getTime() >= 249);
    },
  },
  {
    name: 'ids of different streams have nothing to do with each other',
    async run({ jsm, js, name }) {
      for (const one of ['a', 'b'])
        await jsm.streams.add({ name: `${name}-${one}`, subjects: [`${name}.${one}`] });
      for (const one of ['a', 'b']) {
        assert.equal((await js.publish(`${name}.${one}`, '', { msgID: 'same' })).duplicate, false);
      }
    },
  },
  {
    name: 'an expectation about the stream, its last sequence or its last id is kept or refused',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      const publish = (expect: Expectation, msgID?: string) =>
        js.publish(`${name}.a`, '', { expect: expect!, ...(msgID && { msgID }) });
      await publish({ lastSequence: 0 }, 'first');
      await refused(publish({ lastSequence: 0 }), 10071);
      await publish({ lastSequence: 1, streamName: name }, 'second');
      await refused(publish({ streamName: `${name}-other` }), 10060);
      await refused(publish({ lastMsgID: 'first' }), 10070);
      await publish({ lastMsgID: 'second' });
      assert.equal((await jsm.streams.info(name)).state.messages, 3);
    },
  },
  {
    name: 'an expectation about the last sequence of the subject makes compare-and-set',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      const publish = (subject: string, lastSubjectSequence: number) =>
        js.publish(`${name}.${subject}`, '', { expect: { lastSubjectSequence } });
      assert.equal((await publish('a', 0)).seq, 1);
      await refused(publish('a', 0), 10071);
      assert.equal((await publish('b', 0)).seq, 2);
      assert.equal((await publish('a', 1)).seq, 3);
      await refused(publish('a', 1), 10071);
      await refused(publish('b', 3), 10071);
    },
  },
  {
    name: 'one of many that expect the same wins',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) =>
          js.publish(`${name}.a`, `${i}`, { expect: { lastSubjectSequence: 0 } }),
        ),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
      assert.equal((await jsm.streams.info(name)).state.messages, 1);
    },
  },
  {
    name: 'a roll-up replaces what its subject had before it, or everything',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`], allow_rollup_hdrs: true });
      const rollUp = async (subject: string, what: string) => {
        const fields = headers();
        fields.set('Nats-Rollup', what);
        return js.publish(subject, 'sum', { headers: fields });
      };
      await publishAll(js, [`${name}.a`, `${name}.b`, `${name}.a`]);
      assert.equal((await rollUp(`${name}.a`, 'sub')).seq, 4);
      let { state } = await jsm.streams.info(name, { subjects_filter: '>' });
      assert.deepEqual(state.subjects, { [`${name}.a`]: 1, [`${name}.b`]: 1 });
      assert.equal((await rollUp(`${name}.b`, 'all')).seq, 5);
      ({ state } = await jsm.streams.info(name));
      assert.deepEqual([state.messages, state.first_seq, state.last_seq], [1, 5, 5]);
      await jsm.streams.add({ name: `${name}-plain`, subjects: [`${name}-plain`] });
      await refused(rollUp(`${name}-plain`, 'sub'), 10111);
    },
  },
  {
    name: 'a message above the size of the stream is refused',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], max_msg_size: 100 });
      const fields = headers();
      fields.set('A', 'b');
      await js.publish(`${name}.a`, new Uint8Array(100));
      await refused(js.publish(`${name}.a`, new Uint8Array(101)), 10054);
      await refused(js.publish(`${name}.a`, new Uint8Array(90), { headers: fields }), 10054);
      assert.equal((await jsm.streams.info(name)).state.messages, 1);
    },
  },
  {
    name: 'a stream in memory behaves like one on disk',
    async run({ jsm, js, name }) {
      const { config } = await jsm.streams.add({
        name,
        subjects: [`${name}.a`],
        storage: StorageType.Memory,
      });
      assert.equal(config.storage, 'memory');
      await publishAll(js, times(3, `${name}.a`));
      await jsm.streams.deleteMessage(name, 2);
      const { state } = await jsm.streams.info(name);
      assert.deepEqual([state.messages, state.first_seq, state.last_seq], [2, 1, 3]);
      // 16 bytes of bookkeeping for each, beside subject and payload, in the server's memory store.
      assert.equal(state.bytes, 2 * (16 + `${name}.a`.length + 1));
    },
  },
  {
    name: 'messages are published on to another subject where the stream says so',
    async run({ jsm, js, nc, name }) {
      const republish = { src: `${name}.in.>`, dest: `${name}-out.>` };
      await jsm.streams.add({ name, subjects: [`${name}.in.>`], republish });
      const received = collect(nc.subscribe(`${name}-out.>`), 2);
      await nc.flush();
      await publishAll(js, [`${name}.in.a`, `${name}.in.a`]);
      const messages = await received;
      assert.deepEqual(
        messages.map((message) => [message.subject, message.string()]),
        [
          [`${name}-out.a`, '1'],
          [`${name}-out.a`, '2'],
        ],
      );
      const field = (key: string) => messages.map((message) => message.headers?.get(key));
      assert.deepEqual(field('Nats-Stream'), [name, name]);
      assert.deepEqual(field('Nats-Subject'), [`${name}.in.a`, `${name}.in.a`]);
      assert.deepEqual(field('Nats-Sequence'), ['1', '2']);
      assert.deepEqual(field('Nats-Last-Sequence'), ['0', '1']);
    },
  },
];

suite('publishing into streams', cases);
