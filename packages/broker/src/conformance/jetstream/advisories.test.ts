import assert from 'node:assert/strict';
import { AckPolicy } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/nats-core';
import { eventually, ms } from './expectations.ts';
import { pull } from './pull.ts';
import { type Case, suite } from './suite.ts';

interface Advisory {
  readonly subject: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Everything published under the pattern, as it comes. */
async function listen(nc: NatsConnection, pattern: string): Promise<Advisory[]> {
  const heard: Advisory[] = [];
  nc.subscribe(pattern, {
    callback: (_, message) => {
      heard.push({ subject: message.subject, body: message.json() });
    },
  });
  await nc.flush();
  return heard;
}

/** What every advisory has: an id, a time and its type; the rest is given back. */
function essence({ subject, body }: Advisory): Record<string, unknown> {
  const { id, timestamp, ...rest } = body;
  assert.match(String(id), /^[A-Za-z0-9]{22}$/);
  assert.ok(Math.abs(Date.parse(String(timestamp)) - Date.now()) < 60_000);
  return { subject, ...rest };
}

const explicit = { ack_policy: AckPolicy.Explicit };

const cases: Case[] = [
  {
    name: 'that a message was delivered as often as it may is published',
    async run({ nc, js, jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, {
        durable_name: 'reader',
        max_deliver: 2,
        ack_wait: ms(200),
        ...explicit,
      });
      const heard = await listen(nc, `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${name}.>`);
      await js.publish(`${name}.a`);
      for (let i = 0; i < 2; i++) await pull(nc, name, 'reader', { batch: 1, expires: ms(5_000) });
      const nothing = await pull(nc, name, 'reader', { batch: 1, expires: ms(600) });
      assert.deepEqual(nothing.messages, []);
      await eventually('it is published', () => heard.length > 0);
      assert.deepEqual(heard.map(essence), [
        {
          subject: `$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.${name}.reader`,
          type: 'io.nats.jetstream.advisory.v1.max_deliver',
          stream: name,
          consumer: 'reader',
          stream_seq: 1,
          deliveries: 2,
        },
      ]);
    },
  },
  {
    name: 'that a message was terminated is published',
    async run({ nc, js, jsm, name }) {
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      const heard = await listen(nc, `$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${name}.>`);
      await js.publish(`${name}.a`);
      const [delivery] = (await pull(nc, name, 'reader')).messages;
      await delivery!.confirm('+TERM');
      await eventually('it is published', () => heard.length > 0);
      assert.deepEqual(heard.map(essence), [
        {
          subject: `$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.${name}.reader`,
          type: 'io.nats.jetstream.advisory.v1.terminated',
          stream: name,
          consumer: 'reader',
          consumer_seq: 1,
          stream_seq: 1,
          deliveries: 1,
        },
      ]);
    },
  },
  {
    name: 'what happens to streams and consumers is published',
    async run({ nc, jsm, name }) {
      const heard = await listen(nc, `$JS.EVENT.ADVISORY.*.*.${name}.>`);
      const streams = await listen(nc, `$JS.EVENT.ADVISORY.STREAM.*.${name}`);
      await jsm.streams.add({ name, subjects: [`${name}.a`] });
      await jsm.streams.update(name, { max_msgs: 5 });
      await jsm.consumers.add(name, { durable_name: 'reader', ...explicit });
      await jsm.consumers.delete(name, 'reader');
      await jsm.streams.delete(name);
      await eventually('all are published', () => heard.length + streams.length >= 5);
      const lines = (advisories: Advisory[]) =>
        advisories.map(essence).map(({ subject, type, action }) => `${subject} ${type} ${action}`);
      const advisory = (kind: string, verb: string, rest = '') =>
        `$JS.EVENT.ADVISORY.${kind.toUpperCase()}.${verb}.${name}${rest} io.nats.jetstream.advisory.v1.${kind}_action`;
      assert.deepEqual(lines(streams), [
        `${advisory('stream', 'CREATED')} create`,
        `${advisory('stream', 'UPDATED')} modify`,
        `${advisory('stream', 'DELETED')} delete`,
      ]);
      assert.deepEqual(lines(heard), [
        `${advisory('consumer', 'CREATED', '.reader')} create`,
        `${advisory('consumer', 'DELETED', '.reader')} delete`,
      ]);
    },
  },
  {
    name: 'names beyond ASCII are published as they are',
    async run({ nc, jsm, js, name: plain }) {
      const name = `${plain}-Zürich`;
      const heard = await listen(nc, `$JS.EVENT.ADVISORY.*.*.${name}.>`);
      const streams = await listen(nc, `$JS.EVENT.ADVISORY.STREAM.*.${name}`);
      const samples = await listen(nc, `$JS.EVENT.METRIC.CONSUMER.ACK.${name}.>`);
      await jsm.streams.add({ name, subjects: [`${plain}.käse`] });
      await jsm.consumers.add(name, { durable_name: 'lösen', sample_freq: '100', ...explicit });
      await js.publish(`${plain}.käse`);
      await (await pull(nc, name, 'lösen')).messages[0]!.confirm('-NAK');
      await (await pull(nc, name, 'lösen')).messages[0]!.confirm();
      await eventually('all are published', () => heard.length + streams.length + samples.length >= 4);
      const lines = [...streams, ...heard, ...samples].map(
        ({ subject, body: { stream, consumer } }) => `${subject} ${stream} ${consumer}`,
      );
      assert.deepEqual(lines, [
        `$JS.EVENT.ADVISORY.STREAM.CREATED.${name} ${name} undefined`,
        `$JS.EVENT.ADVISORY.CONSUMER.CREATED.${name}.lösen ${name} lösen`,
        `$JS.EVENT.ADVISORY.CONSUMER.MSG_NAKED.${name}.lösen ${name} lösen`,
        `$JS.EVENT.METRIC.CONSUMER.ACK.${name}.lösen ${name} lösen`,
      ]);
    },
  },
];

suite('advisories', cases);
