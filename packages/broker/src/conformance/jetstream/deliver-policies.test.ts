import assert from 'node:assert/strict';
import { AckPolicy, type ConsumerConfig, DeliverPolicy, ReplayPolicy } from '@nats-io/jetstream';
import { collect, ms, publishAll, times } from './expectations.ts';
import { pull } from './pull.ts';
import { type Bench, type Case, suite } from './suite.ts';

/** Sequences of what a new consumer delivers of the messages a b a c b, and how many it says are pending. */
async function delivered(bench: Bench, config: Partial<ConsumerConfig>): Promise<[number[], number]> {
  const { nc, jsm, name } = bench;
  const info = await jsm.consumers.add(name, { ack_policy: AckPolicy.Explicit, ...config });
  const batch = info.num_pending;
  const { messages } = batch === 0 ? { messages: [] } : await pull(nc, name, info.name, { batch });
  const rest = await pull(nc, name, info.name, { batch: 1, no_wait: true });
  return [[...messages, ...rest.messages].map(({ sequence }) => sequence), batch];
}

async function fill({ jsm, js, name }: Bench): Promise<void> {
  await jsm.streams.add({ name, subjects: [`${name}.*`] });
  await publishAll(
    js,
    ['a', 'b', 'a', 'c', 'b'].map((one) => `${name}.${one}`),
  );
}

const cases: Case[] = [
  {
    name: 'all, new, and the last one',
    async run(bench) {
      await fill(bench);
      assert.deepEqual(await delivered(bench, { deliver_policy: DeliverPolicy.All }), [[1, 2, 3, 4, 5], 5]);
      assert.deepEqual(await delivered(bench, { deliver_policy: DeliverPolicy.New }), [[], 0]);
      assert.deepEqual(await delivered(bench, { deliver_policy: DeliverPolicy.Last }), [[5], 1]);
      const filter_subject = `${bench.name}.a`;
      assert.deepEqual(await delivered(bench, { deliver_policy: DeliverPolicy.Last, filter_subject }), [
        [3],
        1,
      ]);
    },
  },
  {
    name: 'from a sequence, there or not',
    async run(bench) {
      await fill(bench);
      await bench.jsm.streams.deleteMessage(bench.name, 3);
      const from = (opt_start_seq: number, rest = {}) =>
        delivered(bench, { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq, ...rest });
      assert.deepEqual(await from(2), [[2, 4, 5], 3]);
      assert.deepEqual(await from(3), [[4, 5], 2]);
      assert.deepEqual(await from(9), [[], 0]);
      assert.deepEqual(await from(2, { filter_subject: `${bench.name}.b` }), [[2, 5], 2]);
    },
  },
  {
    name: 'from a time',
    async run(bench) {
      await fill(bench);
      const { timestamp } = (await bench.jsm.streams.getMessage(bench.name, { seq: 3 }))!;
      const since = (opt_start_time: string) =>
        delivered(bench, { deliver_policy: DeliverPolicy.StartTime, opt_start_time });
      assert.deepEqual(await since(timestamp), [[3, 4, 5], 3]);
      assert.deepEqual(await since('2001-01-01T00:00:00Z'), [[1, 2, 3, 4, 5], 5]);
      assert.deepEqual(await since(new Date(Date.now() + 3_600_000).toISOString()), [[], 0]);
    },
  },
  {
    name: 'the last one of every subject',
    async run(bench) {
      await fill(bench);
      const last = (filter_subject: string) =>
        delivered(bench, { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject });
      assert.deepEqual(await last(`${bench.name}.>`), [[3, 4, 5], 3]);
      assert.deepEqual(await last(`${bench.name}.b`), [[5], 1]);
      assert.deepEqual(await last(`${bench.name}.nothing`), [[], 0]);
    },
  },
  {
    name: 'what comes after the last of every subject is delivered too',
    async run(bench) {
      await fill(bench);
      const { nc, js, jsm, name } = bench;
      const filter = { deliver_policy: DeliverPolicy.LastPerSubject, filter_subject: `${name}.>` };
      await jsm.consumers.add(name, { durable_name: 'reader', ack_policy: AckPolicy.Explicit, ...filter });
      await publishAll(js, [`${name}.a`, `${name}.a`]);
      const { messages } = await pull(nc, name, 'reader', { batch: 5 });
      assert.deepEqual(
        messages.map(({ sequence }) => sequence),
        [3, 4, 5, 6, 7],
      );
    },
  },
  {
    name: 'a replay in the original rhythm takes as long as the publishing took',
    async run({ nc, js, jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`);
      await new Promise((resolve) => setTimeout(resolve, 300));
      await publishAll(js, times(2, `${name}.a`));
      await jsm.consumers.add(name, {
        durable_name: 'reader',
        ack_policy: AckPolicy.Explicit,
        replay_policy: ReplayPolicy.Original,
      });
      const startedAt = performance.now();
      const { messages } = await pull(nc, name, 'reader', { batch: 3, expires: ms(10_000) });
      assert.deepEqual(
        messages.map(({ sequence }) => sequence),
        [1, 2, 3],
      );
      assert.ok(performance.now() - startedAt >= 250);
    },
  },
  {
    name: 'the ordered consumer of the official client reads in order, from where it is told to',
    async run(bench) {
      await fill(bench);
      const { js, name } = bench;
      const read = async (options: Parameters<typeof js.consumers.get>[1], count: number) => {
        const consumer = await js.consumers.get(name, options);
        const messages = await collect(await consumer.consume({ max_messages: 10 }), count);
        return messages.map(({ seq }) => seq);
      };
      assert.deepEqual(await read({}, 5), [1, 2, 3, 4, 5]);
      assert.deepEqual(await read({ opt_start_seq: 4 }, 2), [4, 5]);
      assert.deepEqual(await read({ filter_subjects: `${name}.b` }, 2), [2, 5]);
      assert.deepEqual(await read({ deliver_policy: DeliverPolicy.LastPerSubject }, 3), [3, 4, 5]);
    },
  },
  {
    name: 'the ordered consumer goes on where it was when its consumer is deleted under it',
    async run({ js, jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(3, `${name}.a`));
      const consumer = await js.consumers.get(name, {});
      const sequences: number[] = [];
      const messages = await consumer.consume({ max_messages: 2, expires: 1_000 });
      for await (const message of messages) {
        sequences.push(message.seq);
        if (message.seq === 3) {
          await consumer.delete();
          await publishAll(js, times(3, `${name}.a`));
        }
        if (message.seq === 6) break;
      }
      assert.deepEqual(sequences, [1, 2, 3, 4, 5, 6]);
    },
  },
];

suite('deliver policies and ordered consumers', cases);
