import assert from 'node:assert/strict';
import { headers } from '@nats-io/nats-core';
import { collect, publishAll, refused, times } from './expectations.ts';
import { pull } from './pull.ts';
import { type Case, suite } from './suite.ts';

const cases: Case[] = [
  {
    name: 'a message is got by its sequence, or as the last of a subject, with headers and time',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.>`] });
      const sent = headers();
      sent.append('Colour', 'red');
      sent.append('Colour', 'blue');
      await publishAll(js, [`${name}.a`, `${name}.b`]);
      await js.publish(`${name}.a.c`, new Uint8Array([0, 255, 13, 10]), { headers: sent });
      const first = await jsm.streams.getMessage(name, { seq: 1 });
      assert.deepEqual([first?.subject, first?.seq, first?.string()], [`${name}.a`, 1, '1']);
      assert.ok(Math.abs(first!.time.getTime() - Date.now()) < 60_000);
      const last = await jsm.streams.getMessage(name, { last_by_subj: `${name}.a.>` });
      assert.deepEqual([last?.seq, last?.header.values('Colour')], [3, ['red', 'blue']]);
      assert.deepEqual([...last!.data], [0, 255, 13, 10]);
      assert.equal((await jsm.streams.getMessage(name, { last_by_subj: `${name}.*` }))?.seq, 2);
    },
  },
  {
    name: 'what is not there is not found, and a query must say one thing',
    async run({ jsm, js, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.>`] });
      await js.publish(`${name}.a`);
      for (const query of [{ seq: 2 }, { last_by_subj: `${name}.b` }]) {
        assert.equal(await jsm.streams.getMessage(name, query), null);
        assert.equal((await api(`STREAM.MSG.GET.${name}`, query)).error?.err_code, 10037);
      }
      for (const query of [undefined, {}, { seq: 1, last_by_subj: `${name}.a` }]) {
        assert.equal((await api(`STREAM.MSG.GET.${name}`, query)).error?.err_code, 10003);
      }
      assert.equal((await api(`STREAM.MSG.GET.${name}-missing`, { seq: 1 })).error?.err_code, 10059);
    },
  },
  {
    name: 'a deleted message leaves a hole; deleting the first or last moves the ends',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(6, `${name}.a`));
      assert.equal(await jsm.streams.deleteMessage(name, 3), true);
      assert.equal(await jsm.streams.deleteMessage(name, 1, false), true);
      assert.equal(await jsm.streams.getMessage(name, { seq: 3 }), null);
      await refused(jsm.streams.deleteMessage(name, 3), 10043);
      await refused(jsm.streams.deleteMessage(name, 99), 10057);
      await jsm.streams.deleteMessage(name, 2);
      await jsm.streams.deleteMessage(name, 6);
      const { state } = await jsm.streams.info(name, { deleted_details: true });
      assert.deepEqual([state.first_seq, state.last_seq, state.messages], [4, 6, 2]);
      assert.equal((await js.publish(`${name}.a`)).seq, 7);
    },
  },
  {
    name: 'a purge takes everything, and the numbering goes on',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await publishAll(js, times(5, `${name}.a`));
      assert.equal((await jsm.streams.purge(name)).purged, 5);
      const { state } = await jsm.streams.info(name);
      assert.deepEqual([state.messages, state.bytes, state.first_seq, state.last_seq], [0, 0, 6, 5]);
      assert.equal((await js.publish(`${name}.a`)).seq, 6);
      await refused(jsm.streams.purge(`${name}-missing`), 10059);
    },
  },
  {
    name: 'a purge is limited by subject, by sequence and by how many are kept',
    async run({ jsm, js, name, api }) {
      await jsm.streams.add({ name, subjects: [`${name}.*`] });
      const [a, b] = [`${name}.a`, `${name}.b`];
      const left = async () => {
        const numbers = [];
        for (let seq = 1; seq <= 8; seq++) if (await jsm.streams.getMessage(name, { seq })) numbers.push(seq);
        return numbers;
      };
      await publishAll(js, [a, b, a, b, a, b, a, b]);
      assert.equal((await jsm.streams.purge(name, { filter: a, seq: 4 })).purged, 2);
      assert.deepEqual(await left(), [2, 4, 5, 6, 7, 8]);
      assert.equal((await jsm.streams.purge(name, { filter: b, keep: 1 })).purged, 3);
      assert.deepEqual(await left(), [5, 7, 8]);
      assert.equal((await jsm.streams.purge(name, { seq: 7 })).purged, 1);
      assert.deepEqual(await left(), [7, 8]);
      assert.equal((await jsm.streams.purge(name, { keep: 1 })).purged, 1);
      assert.deepEqual(await left(), [8]);
      assert.equal((await jsm.streams.purge(name, { filter: `${name}.*` })).purged, 1);
      assert.deepEqual(await left(), []);
      const { error } = await api(`STREAM.PURGE.${name}`, { seq: 3, keep: 1 });
      assert.equal(error?.err_code, 10003);
    },
  },
  {
    name: 'what a purge keeps, and what comes after it, is still delivered',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, { durable_name: 'reader', ack_policy: 'explicit' });
      const sequences = async (batch: number) =>
        (await pull(nc, name, 'reader', { batch })).messages.map(({ sequence }) => sequence);
      await publishAll(js, times(4, `${name}.a`));
      assert.deepEqual(await sequences(2), [1, 2]);
      await jsm.streams.purge(name, { keep: 1 });
      assert.deepEqual(await sequences(1), [4]);
      await publishAll(js, times(2, `${name}.a`));
      await jsm.streams.purge(name, { seq: 6 });
      assert.deepEqual(await sequences(1), [6]);
    },
  },
  {
    name: 'direct get answers by sequence, by subject, by the next of a subject',
    async run({ jsm, js, name, nc }) {
      await jsm.streams.add({ name, subjects: [`${name}.>`], allow_direct: true });
      await publishAll(js, [`${name}.a`, `${name}.b`, `${name}.a`, `${name}.b.c`]);
      const got = async (query: Parameters<typeof jsm.direct.getMessage>[1]) => {
        const message = await jsm.direct.getMessage(name, query);
        return message && [message.seq, message.subject, message.string()];
      };
      assert.deepEqual(await got({ seq: 2 }), [2, `${name}.b`, '2']);
      assert.deepEqual(await got({ last_by_subj: `${name}.a` }), [3, `${name}.a`, '3']);
      assert.deepEqual(await got({ seq: 2, next_by_subj: `${name}.a` }), [3, `${name}.a`, '3']);
      assert.deepEqual(await got({ seq: 3, next_by_subj: `${name}.b.>` }), [4, `${name}.b.c`, '4']);
      assert.equal(await got({ seq: 9 }), null);
      assert.equal(await got({ last_by_subj: `${name}.z` }), null);
      const bySubject = await nc.request(`$JS.API.DIRECT.GET.${name}.${name}.b.c`);
      assert.equal(bySubject.string(), '4');
      const { headers: fields } = bySubject;
      assert.deepEqual(
        ['Nats-Stream', 'Nats-Subject', 'Nats-Sequence'].map((field) => fields?.get(field)),
        [name, `${name}.b.c`, '4'],
      );
      assert.ok(Number.isFinite(Date.parse(fields?.get('Nats-Time-Stamp') ?? '')));
    },
  },
  {
    name: 'direct get keeps the headers of the message, and says what it does not understand',
    async run({ jsm, js, name, nc }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], allow_direct: true });
      const sent = headers();
      sent.set('Colour', 'red');
      await js.publish(`${name}.a`, 'x', { headers: sent });
      const message = await jsm.direct.getMessage(name, { seq: 1 });
      assert.equal(message?.header.get('Colour'), 'red');
      const statuses = [];
      for (const body of ['', '{}', '{"seq":7}', '{"seq":1,"last_by_subj":"a"}', '{"seq":']) {
        const { headers: fields } = await nc.request(`$JS.API.DIRECT.GET.${name}`, body);
        statuses.push(`${fields?.code} ${fields?.description}`);
      }
      assert.deepEqual(statuses, [
        '408 Empty Request',
        '408 Empty Request',
        '404 Message Not Found',
        '408 Bad Request',
        '408 Malformed Request',
      ]);
    },
  },
  {
    name: 'nobody answers direct gets of a stream that does not allow them',
    async run({ jsm, js, nc, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await js.publish(`${name}.a`);
      await assert.rejects(nc.request(`$JS.API.DIRECT.GET.${name}`, '{"seq":1}', { timeout: 200 }));
      await jsm.streams.update(name, { allow_direct: true });
      assert.equal((await jsm.direct.getMessage(name, { seq: 1 }))?.seq, 1);
    },
  },
  {
    name: 'a big message comes back as it was',
    async run({ jsm, js, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`], allow_direct: true });
      const body = Uint8Array.from({ length: 700_000 }, (_, i) => (i * 31) & 255);
      await js.publish(`${name}.a`, body);
      for (const read of [jsm.streams, jsm.direct]) {
        const message = await read.getMessage(name, { seq: 1 });
        assert.equal(Buffer.compare(message!.data, body), 0);
      }
      const consumer = await js.consumers.get(name);
      const [delivered] = await collect(await consumer.fetch({ max_messages: 1 }));
      assert.equal(Buffer.compare(delivered!.data, body), 0);
    },
  },
];

suite('messages of a stream', cases);
