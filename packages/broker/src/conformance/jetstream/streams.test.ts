import assert from 'node:assert/strict';
import { DiscardPolicy, RetentionPolicy, StorageType, type StreamConfig } from '@nats-io/jetstream';
import { collect, publishAll, refused, times } from './expectations.ts';
import { type Case, suite } from './suite.ts';

const defaults: Partial<StreamConfig> = {
  retention: RetentionPolicy.Limits,
  max_consumers: -1,
  max_msgs: -1,
  max_bytes: -1,
  max_age: 0,
  max_msgs_per_subject: -1,
  max_msg_size: -1,
  discard: DiscardPolicy.Old,
  storage: StorageType.File,
  num_replicas: 1,
  duplicate_window: 120_000_000_000,
  allow_direct: false,
  mirror_direct: false,
  sealed: false,
  deny_delete: false,
  deny_purge: false,
  allow_rollup_hdrs: false,
};

const cases: Case[] = [
  {
    name: 'a new stream has the defaults of the server and is empty',
    async run({ jsm, name }) {
      const { config, state, created } = await jsm.streams.add({ name, subjects: [`${name}.>`] });
      assert.deepEqual(config, { ...defaults, name, subjects: [`${name}.>`] });
      assert.deepEqual(state, {
        messages: 0,
        bytes: 0,
        first_seq: 0,
        first_ts: '0001-01-01T00:00:00Z',
        last_seq: 0,
        last_ts: '0001-01-01T00:00:00Z',
        consumer_count: 0,
      });
      assert.ok(Math.abs(Date.parse(created) - Date.now()) < 60_000);
    },
  },
  {
    name: 'a stream without subjects takes its name as its subject',
    async run({ jsm, js, name }) {
      const { config } = await jsm.streams.add({ name });
      assert.deepEqual(config.subjects, [name]);
      assert.equal((await js.publish(name, 'x')).stream, name);
    },
  },
  {
    name: 'creating the same stream again changes nothing, a different one under its name is refused',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`);
      assert.equal((await jsm.streams.add({ name, subjects: [`${name}.a`] })).state.messages, 1);
      await refused(jsm.streams.add({ name, subjects: [`${name}.b`] }), 10058);
    },
  },
  {
    name: 'two streams cannot have subjects in common',
    async run({ jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*.a`] });
      await refused(jsm.streams.add({ name: `${name}-2`, subjects: [`${name}.b.>`] }), 10065);
      await jsm.streams.add({ name: `${name}-3`, subjects: [`${name}.b.c`] });
      await refused(jsm.streams.update(`${name}-3`, { subjects: [`${name}.b.*`] }), 10065);
    },
  },
  {
    name: 'an update changes limits, description and subjects',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const { config } = await jsm.streams.update(name, {
        subjects: [`${name}.a`, `${name}.b`],
        description: 'of two subjects',
        max_msgs: 2,
      });
      assert.deepEqual(config, {
        ...defaults,
        name,
        subjects: [`${name}.a`, `${name}.b`],
        description: 'of two subjects',
        max_msgs: 2,
      });
      await publishAll(js, [`${name}.a`, `${name}.b`, `${name}.b`]);
      const { state } = await jsm.streams.info(name);
      assert.deepEqual([state.messages, state.first_seq, state.last_seq], [2, 2, 3]);
      await assert.rejects(js.publish(`${name}.c`, '', { retries: 0 }));
    },
  },
  {
    name: 'what cannot be changed is refused: storage, retention, the number of consumers',
    async run({ jsm, name, api }) {
      const { config } = await jsm.streams.add({ name, subjects: [`${name}.a`] });
      for (const change of [{ storage: 'memory' }, { retention: 'workqueue' }, { max_consumers: 3 }]) {
        const { error } = await api(`STREAM.UPDATE.${name}`, { ...config, ...change });
        assert.deepEqual([error?.code, error?.err_code], [500, 10052]);
      }
      await refused(jsm.streams.update(`${name}-missing`, {}), 10059);
    },
  },
  {
    name: 'streams are listed and named, all of them or those that have a subject',
    async run({ jsm, name }) {
      for (const one of ['a', 'b', 'c'])
        await jsm.streams.add({ name: `${name}-${one}`, subjects: [`${name}.${one}`] });
      const names = await collect(jsm.streams.names());
      for (const one of ['a', 'b', 'c']) assert.ok(names.includes(`${name}-${one}`));
      assert.deepEqual(names, names.toSorted());
      assert.deepEqual(await collect(jsm.streams.names(`${name}.b`)), [`${name}-b`]);
      const listed = await collect(jsm.streams.list(`${name}.*`));
      assert.deepEqual(
        listed.map(({ config }) => config.name),
        ['a', 'b', 'c'].map((one) => `${name}-${one}`),
      );
      assert.deepEqual(await collect(jsm.streams.names(`${name}.nothing`)), []);
      assert.equal(await jsm.streams.find(`${name}.c`), `${name}-c`);
    },
  },
  {
    name: 'a long list comes in pages',
    async run({ jsm, name, api }) {
      const all = Array.from({ length: 260 }, (_, i) => `${name}-${String(i).padStart(3, '0')}`);
      const add = (one: string, i: number) =>
        jsm.streams.add({ name: one, subjects: [`${name}.${i}`], storage: StorageType.Memory });
      await Promise.all(all.map(add));
      // Only those of this case: while others come and go between two pages, a page begins too early or too late.
      const own = `${name}.*`;
      const first = await api('STREAM.LIST', { subject: own });
      assert.deepEqual([first.total, first.limit], [260, 256]);
      assert.equal((first.streams as unknown[]).length, 256);
      const listed = await collect(jsm.streams.list(own));
      assert.deepEqual(
        listed.map(({ config }) => config.name),
        all,
      );
      await Promise.all(all.map((one) => jsm.streams.delete(one)));
    },
  },
  {
    name: 'a deleted stream is gone with its messages and consumers, and its name is free',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`);
      await jsm.consumers.add(name, { durable_name: 'reader', ack_policy: 'explicit' });
      assert.equal(await jsm.streams.delete(name), true);
      await refused(jsm.streams.info(name), 10059);
      await refused(jsm.streams.delete(name), 10059);
      await refused(jsm.consumers.info(name, 'reader'), 10059);
      const { state } = await jsm.streams.add({ name, subjects: [`${name}.b`] });
      assert.deepEqual([state.messages, state.last_seq, state.consumer_count], [0, 0, 0]);
    },
  },
  {
    name: 'the state counts messages, bytes, subjects and holes',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      await publishAll(js, [...times(4, `${name}.a`), ...times(2, `${name}.b`)]);
      for (const sequence of [2, 5]) await jsm.streams.deleteMessage(name, sequence);
      const { state } = await jsm.streams.info(name, { subjects_filter: '>', deleted_details: true });
      assert.equal(state.num_subjects, 2);
      assert.deepEqual(state.subjects, { [`${name}.a`]: 3, [`${name}.b`]: 1 });
      assert.deepEqual(state.deleted, [2, 5]);
      assert.deepEqual([state.messages, state.first_seq, state.last_seq, state.num_deleted], [4, 1, 6, 2]);
      // 22 bytes of bookkeeping in front of subject and payload, and 8 of checksum, in the server's file store.
      assert.equal(state.bytes, 4 * (30 + `${name}.a`.length + 1));
      const one = await jsm.streams.info(name, { subjects_filter: `${name}.b` });
      assert.deepEqual(one.state.subjects, { [`${name}.b`]: 1 });
    },
  },
  {
    name: 'a sealed stream takes no more and gives nothing up, and stays sealed',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`, 'kept');
      const { config } = await jsm.streams.update(name, { sealed: true } as Partial<StreamConfig>);
      assert.deepEqual([config.sealed, config.deny_delete, config.deny_purge], [true, true, true]);
      await refused(js.publish(`${name}.a`), 10109);
      await refused(jsm.streams.deleteMessage(name, 1), 10109);
      await refused(jsm.streams.purge(name), 10109);
      await refused(jsm.streams.update(name, { sealed: false } as Partial<StreamConfig>), 10052);
      assert.equal((await jsm.streams.getMessage(name, { seq: 1 }))?.string(), 'kept');
    },
  },
  {
    name: 'denied deletes and purges are refused, and stay denied',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], deny_delete: true, deny_purge: true });
      await js.publish(`${name}.a`);
      await refused(jsm.streams.deleteMessage(name, 1), 10057);
      await refused(jsm.streams.purge(name), 10110);
      await refused(jsm.streams.update(name, { deny_delete: false }), 10052);
      await refused(jsm.streams.update(name, { deny_purge: false }), 10052);
      assert.equal((await jsm.streams.info(name)).state.messages, 1);
    },
  },
];

suite('streams', cases);
