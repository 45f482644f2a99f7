import assert from 'node:assert/strict';
import { AckPolicy, type ConsumerConfig } from '@nats-io/jetstream';
import { collect, eventually, ms, publishAll, times } from './expectations.ts';
import { type Delivery, pull } from './pull.ts';
import { type Bench, type Case, suite } from './suite.ts';

/** A stream with that many messages, and a durable consumer `reader`. */
async function prepare({ jsm, js, name }: Bench, count: number, rest: Partial<ConsumerConfig> = {}) {
  await jsm.streams.add({ name, subjects: [`${name}.a`] });
  await publishAll(js, times(count, `${name}.a`));
  await jsm.consumers.add(name, { durable_name: 'reader', ack_policy: AckPolicy.Explicit, ...rest });
}

async function take({ nc, name }: Bench, batch: number): Promise<Delivery[]> {
  return (await pull(nc, name, 'reader', { batch, expires: ms(10_000) })).messages;
}

/** `sequence×deliveries` of each. */
function shown(deliveries: readonly Delivery[]): string {
  return deliveries.map(({ sequence, deliveries: times }) => `${sequence}×${times}`).join(' ');
}

async function counters({ jsm, name }: Bench) {
  const info = await jsm.consumers.info(name, 'reader');
  const pair = (value: { consumer_seq: number; stream_seq: number }) =>
    `${value.consumer_seq}/${value.stream_seq}`;
  return {
    delivered: pair(info.delivered),
    floor: pair(info.ack_floor),
    ackPending: info.num_ack_pending,
    redelivered: info.num_redelivered,
    pending: info.num_pending,
  };
}

const cases: Case[] = [
  {
    name: 'an acknowledged message does not come back, and the floor follows what is acknowledged without a gap',
    async run(bench) {
      await prepare(bench, 4, { ack_wait: ms(300) });
      const [first, second, third] = await take(bench, 4);
      await second!.confirm();
      assert.deepEqual(await counters(bench), {
        delivered: '4/4',
        floor: '0/0',
        ackPending: 3,
        redelivered: 0,
        pending: 0,
      });
      await first!.confirm();
      await third!.confirm();
      assert.equal((await counters(bench)).floor, '3/3');
      const again = await take(bench, 1);
      assert.equal(shown(again), '4×2');
      await again[0]!.confirm();
      assert.deepEqual(await counters(bench), {
        delivered: '5/4',
        floor: '5/4',
        ackPending: 0,
        redelivered: 0,
        pending: 0,
      });
    },
  },
  {
    name: 'the official client acknowledges, and hears of it when it asks to',
    async run(bench) {
      await prepare(bench, 3);
      const consumer = await bench.js.consumers.get(bench.name, 'reader');
      const [first, second, third] = await collect(await consumer.fetch({ max_messages: 3 }));
      assert.equal(await first!.ackAck(), true);
      assert.equal((await counters(bench)).floor, '1/1');
      second!.ack();
      third!.ack();
      await eventually('all are acknowledged', async () => (await counters(bench)).floor === '3/3');
    },
  },
  {
    name: 'an acknowledgement that comes twice, late or for nothing changes nothing',
    async run(bench) {
      await prepare(bench, 2);
      const [first] = await take(bench, 1);
      await first!.confirm();
      first!.send();
      first!.send('-NAK');
      bench.nc.publish(`$JS.ACK.${bench.name}.reader.1.99.99.0.0`, '+ACK');
      await bench.nc.flush();
      const [second] = await take(bench, 1);
      assert.equal(shown([second!]), '2×1');
      assert.deepEqual(await counters(bench), {
        delivered: '2/2',
        floor: '1/1',
        ackPending: 1,
        redelivered: 0,
        pending: 0,
      });
    },
  },
  {
    name: 'an empty acknowledgement is one',
    async run(bench) {
      await prepare(bench, 1);
      const [first] = await take(bench, 1);
      await first!.confirm('');
      assert.equal((await counters(bench)).floor, '1/1');
    },
  },
  {
    name: 'a refused message comes back at once, before new ones',
    async run(bench) {
      await prepare(bench, 4);
      const [first, second] = await take(bench, 2);
      await second!.confirm('-NAK');
      await first!.confirm('-NAK');
      assert.equal(shown(await take(bench, 4)), '2×2 1×2 3×1 4×1');
      assert.equal((await counters(bench)).redelivered, 2);
    },
  },
  {
    name: 'a message refused with a delay comes back after it, and others go on',
    async run(bench) {
      await prepare(bench, 2);
      const [first] = await take(bench, 1);
      const refusedAt = performance.now();
      await first!.confirm(`-NAK {"delay": ${ms(400)}}`);
      assert.equal(shown(await take(bench, 1)), '2×1');
      assert.equal(shown(await take(bench, 1)), '1×2');
      assert.ok(performance.now() - refusedAt >= 395);
    },
  },
  {
    name: 'a message that is not acknowledged comes back after the wait, not before',
    async run(bench) {
      await prepare(bench, 2, { ack_wait: ms(400) });
      const takenAt = performance.now();
      await take(bench, 2);
      assert.equal(shown(await take(bench, 2)), '1×2 2×2');
      assert.ok(performance.now() - takenAt >= 395);
    },
  },
  {
    name: 'work in progress starts the wait anew',
    async run(bench) {
      await prepare(bench, 1, { ack_wait: ms(500) });
      const takenAt = performance.now();
      const [first] = await take(bench, 1);
      const coming = take(bench, 1);
      for (let i = 0; i < 4; i++) {
        await new Promise((resolve) => setTimeout(resolve, 150));
        first!.send('+WPI');
      }
      assert.equal(shown(await coming), '1×2');
      assert.ok(performance.now() - takenAt >= 600 + 450);
    },
  },
  {
    name: 'a terminated message does not come back, and counts as done',
    async run(bench) {
      await prepare(bench, 2, { ack_wait: ms(300) });
      const [first] = await take(bench, 1);
      await first!.confirm('+TERM');
      assert.equal(shown(await take(bench, 1)), '2×1');
      assert.equal(shown(await take(bench, 1)), '2×2');
      assert.equal((await counters(bench)).floor, '1/1');
    },
  },
  {
    name: 'after its most deliveries a message is given up',
    async run(bench) {
      await prepare(bench, 2, { max_deliver: 2, ack_wait: ms(200) });
      const [first] = await take(bench, 1);
      await first!.confirm('-NAK');
      const [again] = await take(bench, 1);
      assert.equal(shown([again!]), '1×2');
      await again!.confirm('-NAK');
      const [second] = await take(bench, 1);
      assert.equal(shown([second!]), '2×1');
      await second!.confirm();
      const nothing = await pull(bench.nc, bench.name, 'reader', { batch: 1, expires: ms(500) });
      assert.deepEqual(nothing.messages, []);
    },
  },
  {
    name: 'a back-off gives the wait of each delivery, and stands in for the wait for an acknowledgement',
    async run(bench) {
      await prepare(bench, 1, { backoff: [ms(200), ms(600)], max_deliver: 3, ack_wait: ms(30_000) });
      const { config } = await bench.jsm.consumers.info(bench.name, 'reader');
      assert.equal(config.ack_wait, ms(200));
      const askedAt = performance.now();
      assert.equal(shown(await take(bench, 1)), '1×1');
      assert.equal(shown(await take(bench, 1)), '1×2');
      assert.ok(performance.now() - askedAt >= 195);
      assert.equal(shown(await take(bench, 1)), '1×3');
      assert.ok(performance.now() - askedAt >= 795);
    },
  },
  {
    name: 'a consumer hands out no more than may wait for an acknowledgement',
    async run(bench) {
      await prepare(bench, 5, { max_ack_pending: 2 });
      const pulling = take(bench, 4);
      await eventually('two are out', async () => (await counters(bench)).ackPending === 2);
      assert.deepEqual(await counters(bench), {
        delivered: '2/2',
        floor: '0/0',
        ackPending: 2,
        redelivered: 0,
        pending: 3,
      });
      for (const sequence of [1, 2]) {
        bench.nc.publish(`$JS.ACK.${bench.name}.reader.1.${sequence}.${sequence}.0.0`, '+ACK');
      }
      assert.equal(shown(await pulling), '1×1 2×1 3×1 4×1');
      assert.equal((await counters(bench)).ackPending, 2);
    },
  },
  {
    name: 'where all before are meant, one acknowledgement does for them',
    async run(bench) {
      await prepare(bench, 5, { ack_policy: AckPolicy.All });
      const deliveries = await take(bench, 4);
      await deliveries[2]!.confirm();
      assert.deepEqual(await counters(bench), {
        delivered: '4/4',
        floor: '3/3',
        ackPending: 1,
        redelivered: 0,
        pending: 1,
      });
    },
  },
  {
    name: 'without acknowledgements every message counts as done when it is delivered',
    async run(bench) {
      await prepare(bench, 3, { ack_policy: AckPolicy.None });
      await take(bench, 2);
      assert.deepEqual(await counters(bench), {
        delivered: '2/2',
        floor: '2/2',
        ackPending: 0,
        redelivered: 0,
        pending: 1,
      });
    },
  },
  {
    name: 'a message that is deleted while it waits for its acknowledgement does not come back',
    async run(bench) {
      await prepare(bench, 3, { ack_wait: ms(300) });
      await take(bench, 2);
      await bench.jsm.streams.deleteMessage(bench.name, 1);
      const rest = await take(bench, 2);
      assert.equal(shown(rest.toSorted((a, b) => a.sequence - b.sequence)), '2×2 3×1');
      await bench.jsm.streams.purge(bench.name);
      await eventually('nothing is left', async () => (await counters(bench)).pending === 0);
      const nothing = await pull(bench.nc, bench.name, 'reader', { batch: 1, expires: ms(600) });
      assert.deepEqual(nothing.messages, []);
    },
  },
];

suite('acknowledgements', cases);
