import assert from 'node:assert/strict';
import { type KvEntry, Kvm, type KvWatchEntry, KvWatchInclude } from '@nats-io/kv';
import { collect, eventually, refused } from './expectations.ts';
import { type Case, suite } from './suite.ts';

function shown(entry: KvEntry | null): string {
  return entry === null ? 'nothing' : `${entry.key}=${entry.string()}@${entry.revision} ${entry.operation}`;
}

/** Reads a watch without end into an array. */
function follow<T extends KvWatchEntry>(watch: AsyncIterable<T>): string[] {
  const seen: string[] = [];
  void (async () => {
    for await (const entry of watch) seen.push(`${shown(entry)}${entry.isUpdate ? ' update' : ''}`);
  })();
  return seen;
}

const cases: Case[] = [
  {
    name: 'a value is put, got, overwritten, deleted and purged',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { history: 5 });
      assert.equal(shown(await kv.get('a')), 'nothing');
      assert.equal(await kv.put('a', 'one'), 1);
      assert.equal(await kv.put('a', 'two'), 2);
      assert.equal(shown(await kv.get('a')), 'a=two@2 PUT');
      assert.equal(shown(await kv.get('a', { revision: 1 })), 'a=one@1 PUT');
      await kv.delete('a');
      assert.equal(shown(await kv.get('a')), 'a=@3 DEL');
      await kv.put('b', 'other');
      await kv.purge('a');
      assert.equal(shown(await kv.get('a')), 'a=@5 PURGE');
      assert.equal(shown(await kv.get('a', { revision: 2 })), 'nothing');
    },
  },
  {
    name: 'values are bytes, and keys have tokens',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name);
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      for (const key of ['a.b.c', 'under_score', 'x=y/z', 'A-1']) {
        await kv.put(key, bytes);
        assert.equal(Buffer.compare((await kv.get(key))!.value, bytes), 0, key);
      }
      assert.deepEqual((await collect(await kv.keys())).toSorted(), ['A-1', 'a.b.c', 'under_score', 'x=y/z']);
    },
  },
  {
    name: 'a bucket keeps as much history as it was told to',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { history: 3 });
      for (let i = 1; i <= 5; i++) await kv.put('a', `${i}`);
      await kv.delete('a');
      await kv.put('b', 'x');
      assert.deepEqual((await collect(await kv.history({ key: 'a' }))).map(shown), [
        'a=4@4 PUT',
        'a=5@5 PUT',
        'a=@6 DEL',
      ]);
      assert.equal((await collect(await kv.history())).length, 4);
    },
  },
  {
    name: 'create succeeds once, and again after a delete or a purge',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name);
      assert.equal(await kv.create('a', 'one'), 1);
      await refused(kv.create('a', 'two'), 10071);
      await kv.delete('a');
      assert.equal(await kv.create('a', 'three'), 3);
      await kv.purge('a');
      assert.equal(await kv.create('a', 'four'), 5);
      assert.equal(shown(await kv.get('a')), 'a=four@5 PUT');
    },
  },
  {
    name: 'update succeeds for the one who knows the last revision',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name);
      const revision = await kv.put('a', 'one');
      await kv.put('b', 'x');
      const next = await kv.update('a', 'two', revision);
      assert.equal(next, 3);
      await refused(kv.update('a', 'late', revision), 10071);
      await refused(kv.delete('a', { previousSeq: revision }), 10071);
      await kv.delete('a', { previousSeq: next });
      const outcomes = await Promise.allSettled(
        Array.from({ length: 10 }, (_, i) => kv.update('b', `${i}`, 2)),
      );
      assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1);
    },
  },
  {
    name: 'a watch shows what there is, says when that is over, and follows',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { history: 4 });
      await kv.put('a', '1');
      await kv.put('a', '2');
      await kv.put('b', '3');
      const seen = follow(await kv.watch());
      await eventually('the present came', () => seen.length === 2);
      await kv.put('b', '4');
      await kv.delete('a');
      await eventually('the news came', () => seen.length === 4);
      assert.deepEqual(seen, ['a=2@2 PUT', 'b=3@3 PUT update', 'b=4@4 PUT update', 'a=@5 DEL update']);
    },
  },
  {
    name: 'a watch has one key, many, the whole history, the news only, or no deletes',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { history: 4 });
      await kv.put('a.x', '1');
      await kv.put('a.y', '2');
      await kv.put('b', '3');
      await kv.put('a.x', '4');
      const part = follow(await kv.watch({ key: 'a.*' }));
      const history = follow(await kv.watch({ key: 'a.x', include: KvWatchInclude.AllHistory }));
      const news = follow(await kv.watch({ include: KvWatchInclude.UpdatesOnly }));
      const alive = follow(await kv.watch({ key: 'b', ignoreDeletes: true }));
      const resumed = follow(await kv.watch({ resumeFromRevision: 3 }));
      await kv.delete('b');
      await kv.put('b', '6');
      await eventually('all came', () => resumed.length === 4 && news.length === 2 && alive.length === 2);
      const plain = (seen: string[]) => seen.map((line) => line.replace(' update', ''));
      assert.deepEqual(plain(part), ['a.y=2@2 PUT', 'a.x=4@4 PUT']);
      assert.deepEqual(plain(history), ['a.x=1@1 PUT', 'a.x=4@4 PUT']);
      assert.deepEqual(plain(news), ['b=@5 DEL', 'b=6@6 PUT']);
      assert.deepEqual(plain(alive), ['b=3@3 PUT', 'b=6@6 PUT']);
      assert.deepEqual(plain(resumed), ['b=3@3 PUT', 'a.x=4@4 PUT', 'b=@5 DEL', 'b=6@6 PUT']);
    },
  },
  {
    name: 'a watch of a thousand keys misses none and repeats none',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name);
      const keys = Array.from({ length: 1_000 }, (_, i) => `key.${i}`);
      await Promise.all(keys.slice(0, 500).map((key) => kv.put(key, 'before', { timeout: 10_000 })));
      const seen = follow(await kv.watch());
      await Promise.all(keys.slice(500).map((key) => kv.put(key, 'after', { timeout: 10_000 })));
      await eventually('all came', () => seen.length >= 1_000);
      assert.deepEqual(new Set(seen.map((line) => line.split('=')[0])), new Set(keys));
      assert.equal(seen.length, 1_000);
    },
  },
  {
    name: 'keys are those that have a value, all of them or of a pattern',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name);
      for (const key of ['a.x', 'a.y', 'b', 'c']) await kv.put(key, '1');
      await kv.delete('b');
      await kv.purge('c');
      assert.deepEqual((await collect(await kv.keys())).toSorted(), ['a.x', 'a.y']);
      assert.deepEqual((await collect(await kv.keys('a.*'))).toSorted(), ['a.x', 'a.y']);
      assert.deepEqual(await collect(await kv.keys('nothing.*')), []);
    },
  },
  {
    name: 'values end after the time to live of the bucket',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { ttl: 400 });
      await kv.put('a', '1');
      assert.equal(shown(await kv.get('a')), 'a=1@1 PUT');
      await eventually('it has ended', async () => (await kv.get('a')) === null);
    },
  },
  {
    name: 'a bucket refuses values above its size, and more than fits',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { maxValueSize: 1_000, max_bytes: 5_000 });
      await refused(kv.put('a', new Uint8Array(1_001)), 10054);
      for (const key of ['a', 'b', 'c', 'd']) await kv.put(key, new Uint8Array(1_000));
      await refused(kv.put('e', new Uint8Array(1_000)), 10077);
      await kv.put('a', new Uint8Array(500));
      assert.deepEqual((await collect(await kv.keys())).toSorted(), ['a', 'b', 'c', 'd']);
    },
  },
  {
    name: 'what deletes left behind is swept away',
    async run({ js, name }) {
      const kv = await new Kvm(js).create(name, { history: 3 });
      for (const key of ['a', 'b']) await kv.put(key, '1');
      await kv.delete('a');
      assert.equal((await kv.status()).values, 3);
      await (kv as unknown as { purgeDeletes(olderThanMs: number): Promise<unknown> }).purgeDeletes(-60_000);
      assert.equal((await kv.status()).values, 1);
    },
  },
  {
    name: 'buckets have a status, are listed and destroyed',
    async run({ js, jsm, name }) {
      const kvm = new Kvm(js);
      const kv = await kvm.create(name, { history: 2, description: 'of a test', ttl: 60_000 });
      await kv.put('a', 'x');
      const { bucket, values, history, description, ttl, storage, streamInfo } = await kv.status();
      assert.deepEqual(
        { bucket, values, history, description, ttl, storage },
        { bucket: name, values: 1, history: 2, description: 'of a test', ttl: 60_000, storage: 'file' },
      );
      const { config } = streamInfo;
      assert.deepEqual(
        [config.allow_rollup_hdrs, config.allow_direct, config.discard, config.deny_delete],
        [true, true, 'new', false],
      );
      assert.ok((await collect(kvm.list())).some((one) => one.bucket === name));
      const same = await kvm.open(name);
      assert.equal(shown(await same.get('a')), 'a=x@1 PUT');
      assert.equal(await kv.destroy(), true);
      await refused(jsm.streams.info(`KV_${name}`), 10059);
    },
  },
];

suite('key-value buckets', cases);
