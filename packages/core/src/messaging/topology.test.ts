import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { describeFamily, isGroupName, partitionOf, partitionsOf, Topology } from './topology.ts';

const topology = new Topology('shop-eu');

const word = fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/);
const event = fc.stringMatching(/^[a-z][a-zA-Z0-9]{0,20}$/);
const partition = fc.nat({ max: 1_000 });

describe('the names of messages', () => {
  it('can be taken apart again', () => {
    fc.assert(
      fc.property(word, word, event, partition, (service, group, name, number) => {
        assert.deepEqual(topology.readEventSubject(topology.eventSubject(service, number, name)), {
          service,
          partition: number,
          event: name,
        });
        assert.deepEqual(topology.readDelayedSubject(topology.delayedSubject(service, number, name)), {
          service,
          partition: number,
          event: name,
        });
        const address = { service, group, event: name };
        assert.deepEqual(
          topology.readDeadLetterSubject(topology.deadLetterSubject(service, group, name)),
          address,
        );
        assert.deepEqual(topology.readRedriveSubject(topology.redriveSubject(group, service, name)), address);
        assert.deepEqual(topology.readPartitionKey(topology.partitionKey(group, service, number)), {
          group,
          service,
          partition: number,
        });
        const instance = `pod.${service}=1 %`;
        const key = topology.memberKey(group, service, instance);
        assert.match(key, /^[-/_=.a-zA-Z0-9]+$/, 'a key of a NATS bucket');
        assert.deepEqual(topology.readMemberKey(key), { group, service, instance });
        assert.deepEqual(topology.readRedriveConsumer(topology.redriveConsumer(group, service)), {
          group,
          service,
        });
        assert.deepEqual(topology.readWorkConsumer(topology.workConsumer(group, name)), {
          group,
          event: name,
        });
        assert.equal(topology.serviceOfStream(topology.eventStream(service)), service);
      }),
    );
  });

  it('of the platform are never those of a service', () => {
    for (const stream of [
      topology.deadLetterStream,
      topology.redriveStream,
      topology.delayedStream,
      topology.attemptsStream,
      topology.groupsStream,
    ])
      assert.equal(topology.serviceOfStream(stream), undefined, stream);
  });

  it('of another fleet mean nothing', () => {
    const other = new Topology('shop');
    assert.equal(other.readEventSubject(topology.eventSubject('orders', 3, 'placed')), undefined);
    assert.equal(other.serviceOfStream(topology.eventStream('orders')), undefined);
  });

  it('refuse a group that would be more than one token of a subject', () => {
    assert.equal(isGroupName('market-data'), true);
    for (const name of ['', 'a.b', 'a_b', '>', '*', 'Orders', 'a b']) assert.equal(isGroupName(name), false);
  });
});

describe('partitions', () => {
  it('are FNV-1a of the key, so that they stay where they are: the vectors of its authors', () => {
    assert.equal(partitionOf('', 1 << 16), 0x9dc5);
    assert.equal(partitionOf('a', 1 << 16), 0x292c);
    assert.equal(partitionOf('foobar', 1 << 16), 0xf968);
  });

  it('hash the bytes of any text', () => {
    const oracle = (key: string): number =>
      Number(
        Buffer.from(key, 'utf8').reduce(
          (hash, byte) => ((hash ^ BigInt(byte)) * 0x01000193n) & 0xffffffffn,
          0x811c9dc5n,
        ),
      );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (key) => {
        assert.equal(partitionOf(key, 997), oracle(key) % 997);
      }),
    );
  });

  it('without a key are the first', () => {
    assert.equal(partitionOf(undefined, 16), 0);
  });

  it('are evenly filled', () => {
    const counts = new Array<number>(16).fill(0);
    for (let n = 0; n < 16_000; n++) counts[partitionOf(`account-${n}`, 16)]! += 1;
    for (const count of counts) assert.ok(count > 850 && count < 1_150, counts.join(' '));
  });

  it('are told by the description of the stream', () => {
    for (const count of [1, 2, 16, 64])
      assert.equal(partitionsOf(describeFamily('market-data', count)), count);
    assert.equal(partitionsOf('orders'), undefined);
    assert.equal(partitionsOf(undefined), undefined);
  });
});
