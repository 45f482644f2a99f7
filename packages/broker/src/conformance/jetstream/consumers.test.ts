import assert from 'node:assert/strict';
import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy, StorageType } from '@nats-io/jetstream';
import { collect, eventually, ms, publishAll, refused, times } from './expectations.ts';
import { pull } from './pull.ts';
import { type Case, suite } from './suite.ts';

const explicit = { ack_policy: AckPolicy.Explicit };

const cases: Case[] = [
  {
    name: 'a durable consumer has the defaults of the server, and its counters start at the stream',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(3, `${name}.a`));
      const info = await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      const expected: Partial<ConsumerConfig> = {
        durable_name: 'reader',
        name: 'reader',
        deliver_policy: DeliverPolicy.All,
        ack_policy: AckPolicy.Explicit,
        replay_policy: ReplayPolicy.Instant,
        ack_wait: 30_000_000_000,
        max_deliver: -1,
        max_ack_pending: 1_000,
        max_waiting: 512,
        num_replicas: 0,
      };
      assert.deepEqual(info.config, expected);
      assert.deepEqual([info.stream_name, info.name], [name, 'reader']);
      assert.deepEqual(info.delivered, { consumer_seq: 0, stream_seq: 0 });
      assert.deepEqual(info.ack_floor, { consumer_seq: 0, stream_seq: 0 });
      const { num_ack_pending, num_redelivered, num_waiting, num_pending } = info;
      assert.deepEqual(
        { num_ack_pending, num_redelivered, num_waiting, num_pending },
        { num_ack_pending: 0, num_redelivered: 0, num_waiting: 0, num_pending: 3 },
      );
      assert.equal((await jsm.streams.info(name)).state.consumer_count, 1);
    },
  },
  {
    name: 'creating the same consumer again changes nothing, a different one under its name updates what can be',
    async run({ jsm, js, nc, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(3, `${name}.a`));
      await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      await pull(nc, name, 'reader', { batch: 2 });
      const again = await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      assert.deepEqual([again.num_ack_pending, again.num_pending], [2, 1]);
      const updated = await jsm.consumers.update(name, 'reader', {
        ack_wait: ms(5_000),
        max_ack_pending: 7,
        description: 'patient',
      });
      assert.deepEqual(
        [updated.config.ack_wait, updated.config.max_ack_pending, updated.config.description],
        [ms(5_000), 7, 'patient'],
      );
      assert.equal(updated.num_ack_pending, 2);
      for (const change of [
        { ack_policy: 'all' },
        { deliver_policy: 'new' },
        { replay_policy: 'original' },
        { max_waiting: 7 },
      ]) {
        const { error } = await api(`CONSUMER.DURABLE.CREATE.${name}.reader`, {
          stream_name: name,
          config: { ...updated.config, ...change },
        });
        assert.deepEqual([error?.code, error?.err_code], [500, 10012], JSON.stringify(change));
      }
    },
  },
  {
    name: 'consumers are listed and named, in pages',
    async run({ jsm, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], storage: StorageType.Memory });
      const all = Array.from({ length: 300 }, (_, i) => `c${String(i).padStart(3, '0')}`);
      await Promise.all(all.map((one) => jsm.consumers.add(name, { durable_name: one, ...explicit })));
      const page = await api(`CONSUMER.LIST.${name}`, { offset: 256 });
      assert.deepEqual([page.total, page.offset, page.limit], [300, 256, 256]);
      assert.equal((page.consumers as unknown[]).length, 44);
      const listed = await collect(jsm.consumers.list(name));
      assert.deepEqual(listed.map((info) => info.name).toSorted(), all);
      const names = await api(`CONSUMER.NAMES.${name}`);
      assert.deepEqual((names.consumers as string[]).toSorted(), all);
      assert.equal((await api(`CONSUMER.NAMES.${name}-missing`)).error?.err_code, 10059);
    },
  },
  {
    name: 'a consumer without a name gets one, and one that is named keeps it; both are ephemeral',
    async run({ jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const unnamed = await jsm.consumers.add(name, explicit);
      assert.match(unnamed.name, /^[A-Za-z0-9]{8}$/);
      const named = await jsm.consumers.add(name, { name: 'reader', ...explicit });
      assert.equal(named.name, 'reader');
      assert.equal(named.config.durable_name, undefined);
      for (const { config } of [unnamed, named]) assert.equal(config.inactive_threshold, ms(5_000));
    },
  },
  {
    name: 'an ephemeral consumer ends when nobody has asked it for a while, one that is in use stays',
    async run({ jsm, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const threshold = { ...explicit, inactive_threshold: ms(300) };
      await jsm.consumers.add(name, { name: 'idle', ...threshold });
      await jsm.consumers.add(name, { name: 'asked', ...threshold });
      await jsm.consumers.add(name, { durable_name: 'durable', ...threshold });
      const gone = (consumer: string) =>
        jsm.consumers.info(name, consumer).then(
          () => false,
          () => true,
        );
      const asking = pull(nc, name, 'asked', { expires: ms(2_000) });
      await eventually('both that nobody asks are gone', async () => (await gone('idle')) && gone('durable'));
      assert.equal(await gone('asked'), false);
      await asking;
      await eventually('the other is gone as well', () => gone('asked'));
    },
  },
  {
    name: 'a deleted consumer is gone',
    async run({ jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      assert.equal(await jsm.consumers.delete(name, 'reader'), true);
      await refused(jsm.consumers.info(name, 'reader'), 10014);
      await refused(jsm.consumers.delete(name, 'reader'), 10014);
      assert.equal((await jsm.streams.info(name)).state.consumer_count, 0);
    },
  },
  {
    name: 'a filter lets through what matches, and counts only that',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.>`] });
      await publishAll(js, [`${name}.a`, `${name}.b`, `${name}.a.c`, `${name}.b`, `${name}.a.d`]);
      const add = (durable_name: string, filter_subject: string) =>
        jsm.consumers.add(name, { durable_name, filter_subject, ...explicit });
      assert.equal((await add('b', `${name}.b`)).num_pending, 2);
      assert.equal((await add('deep', `${name}.a.*`)).num_pending, 2);
      assert.equal((await add('all', `${name}.>`)).num_pending, 5);
      const { messages } = await pull(nc, name, 'deep', { batch: 2 });
      assert.deepEqual(
        messages.map(({ sequence, consumerSequence, pending }) => [sequence, consumerSequence, pending]),
        [
          [3, 1, 1],
          [5, 2, 0],
        ],
      );
      await refused(add('elsewhere', 'elsewhere.x'), 10093);
    },
  },
  {
    name: 'headers only leaves the payload out, and says how big it was',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`, 'twelve bytes');
      await jsm.consumers.add(name, { durable_name: 'reader', headers_only: true, ...explicit });
      const [delivery] = (await pull(nc, name, 'reader')).messages;
      assert.equal(delivery!.text, '');
      assert.equal(delivery!.message.headers?.get('Nats-Msg-Size'), '12');
    },
  },
  {
    name: 'what makes no sense is refused, each with its code',
    async run({ jsm, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      const refusals: [code: number, config: object][] = [
        [10087, { max_waiting: -1 }],
        [10088, { idle_heartbeat: ms(5_000) }],
        [10089, { flow_control: true }],
        [10086, { rate_limit_bps: 100 }],
        [10116, { backoff: [ms(100), ms(200)], max_deliver: 1 }],
        [10094, { deliver_policy: 'by_start_sequence' }],
        [10094, { deliver_policy: 'by_start_time' }],
        [10094, { deliver_policy: 'last_per_subject' }],
        [10094, { opt_start_seq: 1 }],
        [10017, { durable_name: 'other' }],
      ];
      for (const [code, rest] of refusals) {
        const config = { durable_name: 'c', ack_policy: 'explicit', ...rest };
        const { error } = await api(`CONSUMER.DURABLE.CREATE.${name}.c`, { stream_name: name, config });
        assert.equal(error?.err_code, code, JSON.stringify(rest));
      }
    },
  },
];

suite('consumers', cases);
