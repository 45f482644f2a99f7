import assert from 'node:assert/strict';
import { AckPolicy, StorageType } from '@nats-io/jetstream';
import { type Case, suite } from './suite.ts';

/** Alone in its file: what it counts is all that the engine has. */
const cases: Case[] = [
  {
    name: 'the account counts streams, consumers, bytes and requests, and has no limits',
    async run({ jsm, js, nc, name, api }) {
      assert.equal(nc.info?.jetstream, true);
      const before = await jsm.getAccountInfo();
      const bytes = { file: 0, memory: 0 };
      for (const storage of [StorageType.File, StorageType.Memory] as const) {
        const one = `${name}-${storage}`;
        await jsm.streams.add({ name: one, subjects: [one], storage });
        await js.publish(one, new Uint8Array(1_000));
        bytes[storage] = (await jsm.streams.info(one)).state.bytes;
      }
      await jsm.consumers.add(`${name}-file`, { durable_name: 'reader', ack_policy: AckPolicy.Explicit });
      await api('STREAM.INFO.nothing');
      const after = await jsm.getAccountInfo();
      assert.deepEqual([after.streams - before.streams, after.consumers - before.consumers], [2, 1]);
      assert.deepEqual([after.storage, after.memory], [bytes.file, bytes.memory]);
      assert.ok(after.api.total > before.api.total);
      assert.equal(after.api.errors - before.api.errors, 1);
      assert.deepEqual(after.limits, {
        max_memory: -1,
        max_storage: -1,
        max_streams: -1,
        max_consumers: -1,
        max_ack_pending: -1,
        memory_max_stream_bytes: -1,
        storage_max_stream_bytes: -1,
        max_bytes_required: false,
      });
    },
  },
];

suite('the account', cases);
