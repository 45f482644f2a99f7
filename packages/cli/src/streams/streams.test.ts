import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { headers } from '@nats-io/transport-node';
import { messageHeader, Topology } from 'flotilla/operators';
import { Failure } from '../failure.ts';
import {
  type ConnectedServer,
  connectTo,
  ENGINES,
  type JetStreamServer,
} from '../testing/jetstream-servers.ts';
import { readStream, type StreamReading } from './read-stream.ts';
import { listStreams } from './stream-listing.ts';
import { reportStream } from './stream-report.ts';
import { findStream } from './stream-target.ts';
import type { ToldMessage } from './told-message.ts';

const topology = new Topology('shop');
const ORDERS = topology.eventStream('orders');

for (const engine of ENGINES) {
  describe(`streams on ${engine.name}`, { skip: engine.skip }, () => {
    let server: JetStreamServer;
    let connected: ConnectedServer;

    before(async () => {
      server = await engine.start();
      connected = await connectTo(server);
      const { jsm } = connected;
      await jsm.streams.add({
        name: ORDERS,
        description: 'events of orders in 4 partitions',
        subjects: [topology.eventSubjects('orders')],
      });
      await jsm.streams.add({ name: 'orders-archive', subjects: ['archive.>'], max_msgs: 5 });
      for (let n = 1; n <= 20; n++) await publishOrder(n);
      // Gaps: a sequence says nothing about how many messages lie behind it.
      for (const sequence of [11, 13, 14, 19]) await jsm.streams.deleteMessage(ORDERS, sequence);
    });

    after(async () => {
      await connected?.close();
      await server?.stop();
    });

    /** Every fifth is a cancellation. */
    async function publishOrder(n: number): Promise<void> {
      const event = n % 5 === 0 ? 'cancelled' : 'placed';
      const fields = headers();
      fields.set(messageHeader.id, `order-${n}`);
      fields.set(messageHeader.type, `orders.${event}`);
      fields.set(messageHeader.key, encodeURIComponent(`customer ${n % 4}`));
      const js = connected.jsm.jetstream();
      const subject = topology.eventSubject('orders', n % 4, event);
      await js.publish(subject, JSON.stringify({ order: n }), { headers: fields });
    }

    async function read(
      name: string,
      start: StreamReading['start'],
      subject?: string,
    ): Promise<ToldMessage[]> {
      const target = await findStream(connected.jsm, topology, name, subject);
      const reading = { ...target, start, follow: false };
      const messages: ToldMessage[] = [];
      const never = new AbortController().signal;
      for await (const message of readStream(connected.jsm, reading, never)) messages.push(message);
      return messages;
    }

    const sequences = (messages: readonly ToldMessage[]) => messages.map(({ sequence }) => sequence);

    it('are listed by name, with what is in them', async () => {
      const [archive, orders] = await listStreams(connected.jsm);
      assert.deepEqual([archive?.stream, archive?.messages, archive?.firstAt], ['orders-archive', 0, null]);
      assert.equal(orders?.stream, ORDERS);
      assert.deepEqual([orders?.messages, orders?.firstSequence, orders?.lastSequence], [16, 1, 20]);
      assert.ok(Date.parse(orders?.firstAt ?? '') > Date.now() - 60_000);
    });

    it('are found by their name, their service, or one of its events', async () => {
      const find = async (name: string) => {
        const { info, filter } = await findStream(connected.jsm, topology, name);
        return [info.config.name, filter];
      };
      assert.deepEqual(await find('shop_orders'), [ORDERS, undefined]);
      assert.deepEqual(await find('orders'), [ORDERS, undefined]);
      assert.deepEqual(await find('orders-archive'), ['orders-archive', undefined]);
      assert.deepEqual(await find('orders.placed'), [ORDERS, 'shop.events.orders.*.placed']);
    });

    it('that are not there are answered with those that are', async () => {
      for (const name of ['payments', 'payments.made', 'orders.a.b', 'or ders', '']) {
        await assert.rejects(findStream(connected.jsm, topology, name), (error) => {
          assert.ok(error instanceof Failure);
          assert.equal(error.code, 'not_found');
          assert.match(error.repair ?? '', /use one of orders-archive, shop_orders/);
          return true;
        });
      }
    });

    it('are read from the last messages on, whatever was removed in between', async () => {
      assert.deepEqual(sequences(await read('orders', { last: 5 })), [15, 16, 17, 18, 20]);
      assert.deepEqual(sequences(await read('orders', { last: 8 })), [9, 10, 12, 15, 16, 17, 18, 20]);
      assert.deepEqual(sequences(await read('orders', { last: 0 })), []);
      assert.equal((await read('orders', { last: 100 })).length, 16);
      assert.deepEqual(sequences(await read('orders.cancelled', { last: 2 })), [15, 20]);
      assert.deepEqual(sequences(await read('orders.cancelled', { last: 3 })), [10, 15, 20]);
    });

    it('are read from a sequence or a time on', async () => {
      assert.deepEqual(sequences(await read('orders', { sequence: 18 })), [18, 20]);
      assert.deepEqual(sequences(await read('orders', { sequence: 21 })), []);
      assert.equal((await read('orders', { time: new Date(Date.now() - 60_000) })).length, 16);
      assert.deepEqual(await read('orders', { time: new Date(Date.now() + 60_000) }), []);
      const [, , third] = await read('orders', { last: 3 });
      const since = await read('orders', { time: new Date(third?.time ?? 0) });
      assert.ok(sequences(since).includes(20), 'the message of that moment is one of them');
    });

    it('are read by subject', async () => {
      const read0 = await read('orders', { sequence: 1 }, 'shop.events.orders.0.>');
      assert.deepEqual(sequences(read0), [4, 8, 12, 16, 20]);
      await assert.rejects(read('orders.placed', { last: 1 }, 'x.>'), /--subject is for streams/);
    });

    it('tell what a message is', async () => {
      const [message] = await read('orders', { sequence: 20 });
      assert.deepEqual(
        [message?.id, message?.type, message?.key, message?.subject, message?.payload],
        ['order-20', 'orders.cancelled', 'customer 0', 'shop.events.orders.0.cancelled', { order: 20 }],
      );
    });

    it('are followed until the reader has enough', async () => {
      const stop = new AbortController();
      const target = await findStream(connected.jsm, topology, 'orders');
      const seen: number[] = [];
      const reading = { ...target, start: { last: 1 }, follow: true };
      for await (const { sequence } of readStream(connected.jsm, reading, stop.signal)) {
        seen.push(sequence);
        if (seen.length === 1) await publishOrder(21);
        else stop.abort();
      }
      assert.deepEqual(seen, [20, 21]);
      const { readers } = await reportStream({ jsm: connected.jsm, topology }, 'orders');
      assert.deepEqual(readers, [], 'no reader is left behind');
    });

    it('are told in full: contents by event, limits, readers', async () => {
      await connected.jsm.consumers.add(ORDERS, {
        durable_name: 'work_mail_placed',
        filter_subject: topology.eventFilter('orders', '*', 'placed'),
      });
      const report = await reportStream({ jsm: connected.jsm, topology }, 'orders');
      assert.equal(report.deleted, 4);
      const placed = report.contents?.find(({ name }) => name === 'orders.placed');
      const cancelled = report.contents?.find(({ name }) => name === 'orders.cancelled');
      assert.equal(cancelled?.messages, 4);
      assert.equal((placed?.messages ?? 0) + 4, report.messages);
      assert.deepEqual(report.readers, [
        {
          consumer: 'work_mail_placed',
          durable: true,
          filter: 'shop.events.orders.*.placed',
          pending: placed?.messages,
          inFlight: 0,
          redelivered: 0,
          ackFloor: 0,
        },
      ]);
      const archive = await reportStream({ jsm: connected.jsm, topology }, 'orders-archive');
      assert.deepEqual(archive.limits, {
        messages: 5,
        bytes: null,
        ageMs: null,
        messageBytes: null,
        messagesPerSubject: null,
      });
    });
  });
}
