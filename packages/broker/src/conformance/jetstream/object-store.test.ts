import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { headers } from '@nats-io/nats-core';
import { type ObjectStore, type ObjectWatchInfo, Objm } from '@nats-io/obj';
import { collect, eventually, refused } from './expectations.ts';
import { type Case, suite } from './suite.ts';

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) & 255);
}

function streamOf(...chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return ReadableStream.from(chunks) as ReadableStream<Uint8Array>;
}

async function read(store: ObjectStore, name: string): Promise<Buffer> {
  const result = await store.get(name);
  assert.ok(result, `${name} is there`);
  const parts: Uint8Array[] = [];
  for await (const part of result.data) parts.push(part);
  assert.ok(!(await result.error));
  return Buffer.concat(parts);
}

const cases: Case[] = [
  {
    name: 'an object is put and got, with what is known about it',
    async run({ js, name }) {
      const store = await new Objm(js).create(name);
      const fields = headers();
      fields.set('Colour', 'red');
      const body = bytes(1_000);
      const info = await store.put(
        { name: 'first', description: 'of a test', headers: fields },
        streamOf(body),
      );
      assert.deepEqual([info.size, info.chunks, info.bucket, info.deleted], [1_000, 1, name, false]);
      assert.equal(info.digest, `SHA-256=${createHash('sha256').update(body).digest('base64url')}=`);
      assert.deepEqual(await read(store, 'first'), Buffer.from(body));
      const known = await store.info('first');
      assert.deepEqual(
        [known?.description, known?.headers?.get('Colour'), known?.nuid],
        ['of a test', 'red', info.nuid],
      );
    },
  },
  {
    name: 'a big object goes in chunks and comes back as it was',
    async run({ js, jsm, name }) {
      const store = await new Objm(js).create(name);
      const body = bytes(5_000_000);
      const info = await store.put(
        { name: 'big' },
        streamOf(body.subarray(0, 3_000_001), body.subarray(3_000_001)),
      );
      assert.equal(info.chunks, Math.ceil(5_000_000 / (128 * 1024)));
      assert.ok((await read(store, 'big')).equals(body));
      assert.equal((await jsm.streams.info(`OBJ_${name}`)).state.messages, info.chunks + 1);
      const small = await store.put(
        { name: 'small chunks', options: { max_chunk_size: 1_000 } },
        streamOf(bytes(9_500)),
      );
      assert.equal(small.chunks, 10);
      assert.ok((await read(store, 'small chunks')).equals(bytes(9_500)));
    },
  },
  {
    name: 'blobs are put and got in one piece, empty ones too',
    async run({ js, name }) {
      const store = await new Objm(js).create(name);
      await store.putBlob({ name: 'blob' }, bytes(300_000));
      assert.ok(Buffer.from((await store.getBlob('blob'))!).equals(bytes(300_000)));
      assert.equal((await store.putBlob({ name: 'empty' }, new Uint8Array())).size, 0);
      assert.equal((await store.getBlob('empty'))?.length, 0);
      assert.equal(await store.getBlob('missing'), null);
    },
  },
  {
    name: 'a new version takes the place of the old one, whose chunks go',
    async run({ js, jsm, name }) {
      const store = await new Objm(js).create(name);
      const first = await store.put({ name: 'one' }, streamOf(bytes(400_000)));
      const second = await store.put({ name: 'one' }, streamOf(bytes(200_000)));
      assert.ok(second.revision > first.revision);
      assert.ok((await read(store, 'one')).equals(bytes(200_000)));
      const { state } = await jsm.streams.info(`OBJ_${name}`);
      assert.equal(state.messages, second.chunks + 1);
      await assert.rejects(
        store.put({ name: 'one' }, streamOf(bytes(10)), { previousRevision: first.revision }),
      );
      assert.ok((await read(store, 'one')).equals(bytes(200_000)));
    },
  },
  {
    name: 'a deleted object is known to be gone, and its chunks go',
    async run({ js, jsm, name }) {
      const store = await new Objm(js).create(name);
      await store.put({ name: 'one' }, streamOf(bytes(200_000)));
      const purged = await store.delete('one');
      assert.deepEqual([purged.success, purged.purged], [true, 2]);
      assert.equal((await store.info('one'))?.deleted, true);
      assert.equal(await store.get('one'), null);
      assert.equal((await jsm.streams.info(`OBJ_${name}`)).state.messages, 1);
      await store.put({ name: 'one' }, streamOf(bytes(10)));
      assert.equal((await store.info('one'))?.deleted, false);
    },
  },
  {
    name: 'objects are listed, renamed and linked',
    async run({ js, name }) {
      const objm = new Objm(js);
      const [store, other] = [await objm.create(name), await objm.create(`${name}-other`)];
      const one = await store.putBlob({ name: 'one' }, bytes(10));
      await store.putBlob({ name: 'two' }, bytes(20));
      const names = async () => (await store.list()).map((info) => info.name).toSorted();
      assert.deepEqual(await names(), ['one', 'two']);
      await store.update('two', { name: 'zwei', description: 'renamed' });
      assert.deepEqual(await names(), ['one', 'zwei']);
      assert.equal((await store.info('zwei'))?.description, 'renamed');
      await other.link('elsewhere', one);
      assert.ok((await read(other, 'elsewhere')).equals(bytes(10)));
      const linked = await other.linkStore('all', store);
      assert.deepEqual(linked.options?.link, { bucket: name });
      assert.deepEqual(
        (await collect(objm.list())).map(({ bucket }) => bucket).filter((b) => b.startsWith(name)),
        [name, `${name}-other`],
      );
    },
  },
  {
    name: 'a watch shows what there is and follows',
    async run({ js, name }) {
      const store = await new Objm(js).create(name);
      await store.putBlob({ name: 'one' }, bytes(10));
      await store.putBlob({ name: 'two' }, bytes(10));
      await store.delete('two');
      const watch = async (options: Parameters<ObjectStore['watch']>[0]) => {
        const seen: ObjectWatchInfo[] = [];
        const watching = await store.watch(options);
        void (async () => {
          for await (const info of watching) if (info !== null) seen.push(info);
        })();
        return seen;
      };
      const [all, alive, news] = await Promise.all([
        watch({ includeHistory: true }),
        watch({ includeHistory: true, ignoreDeletes: true }),
        watch({}),
      ]);
      await store.putBlob({ name: 'three' }, bytes(10));
      await eventually(
        'the news came to all',
        () => all.length === 3 && alive.length === 2 && news.length >= 1,
      );
      const line = ({ name: one, deleted }: ObjectWatchInfo) => `${one}${deleted ? ' deleted' : ''}`;
      assert.deepEqual(all.map(line), ['one', 'two deleted', 'three']);
      assert.deepEqual(alive.map(line), ['one', 'three']);
      assert.equal(line(news.at(-1)!), 'three');
    },
  },
  {
    name: 'a sealed store is read only',
    async run({ js, name }) {
      const store = await new Objm(js).create(name);
      await store.putBlob({ name: 'one' }, bytes(10));
      assert.equal((await store.seal()).sealed, true);
      await assert.rejects(store.putBlob({ name: 'two' }, bytes(10)));
      assert.ok((await read(store, 'one')).equals(bytes(10)));
    },
  },
  {
    name: 'a store has a status and is destroyed',
    async run({ js, jsm, name }) {
      const store = await new Objm(js).create(name, { description: 'of a test', max_bytes: 1_000_000 });
      await store.putBlob({ name: 'one' }, bytes(1_000));
      const { bucket, description, size, replicas, sealed, storage } = await store.status();
      assert.deepEqual(
        { bucket, description, replicas, sealed, storage },
        { bucket: name, description: 'of a test', replicas: 1, sealed: false, storage: 'file' },
      );
      assert.ok(size > 1_000);
      await assert.rejects(store.putBlob({ name: 'too big' }, bytes(1_000_000)));
      assert.equal(await store.destroy(), true);
      await refused(jsm.streams.info(`OBJ_${name}`), 10059);
    },
  },
];

suite('object stores', cases);
