import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { DamagedRecord } from '../store/damaged-record.ts';
import { SubjectFilter } from '../stream/subject-filter.ts';
import { readConsumerConfig } from './consumer-config.ts';
import { Cursor } from './cursor.ts';
import { NaiveStream } from './naive-stream.ts';
import { startOf } from './start.ts';

function streamOf(...subjects: readonly string[]): NaiveStream {
  const stream = new NaiveStream();
  for (const subject of subjects) stream.append(subject, '', stream.lastSequence * 1_000_000);
  return stream;
}

function cursorOn(stream: NaiveStream, config: Readonly<Record<string, unknown>>): Cursor {
  const filter =
    typeof config.filter_subject === 'string' ? new SubjectFilter(config.filter_subject) : undefined;
  return new Cursor(stream, filter, startOf(readConsumerConfig(config), stream, filter));
}

function drain(cursor: Cursor): number[] {
  const sequences: number[] = [];
  for (let message = cursor.peek(); message !== undefined; message = cursor.peek()) {
    sequences.push(message.sequence);
    cursor.advance(message.sequence);
  }
  return sequences;
}

describe('a consumer begins where its deliver policy says', () => {
  const policies: readonly (readonly [Readonly<Record<string, unknown>>, number[]])[] = [
    [{}, [1, 2, 3, 4, 5]],
    [{ filter_subject: 'a' }, [1, 3, 5]],
    [{ deliver_policy: 'new' }, []],
    [{ deliver_policy: 'last' }, [5]],
    [{ deliver_policy: 'last', filter_subject: 'b' }, [4]],
    [{ deliver_policy: 'last', filter_subject: 'none' }, []],
    [{ deliver_policy: 'by_start_sequence', opt_start_seq: 4 }, [4, 5]],
    [{ deliver_policy: 'by_start_sequence', opt_start_seq: 99 }, []],
    [{ deliver_policy: 'by_start_time', opt_start_time: '1970-01-01T00:00:02.5Z' }, [4, 5]],
    [{ deliver_policy: 'by_start_time', opt_start_time: '1970-01-01T01:00:03+01:00' }, [4, 5]],
    [{ deliver_policy: 'by_start_time', opt_start_time: '2050-01-01T00:00:00Z' }, []],
    [{ deliver_policy: 'last_per_subject', filter_subject: '>' }, [2, 4, 5]],
    [{ deliver_policy: 'last_per_subject', filter_subject: 'none' }, []],
  ];
  for (const [config, expected] of policies) {
    test(JSON.stringify(config), () => {
      const stream = streamOf('a', 'c', 'a', 'b', 'a');
      const cursor = cursorOn(stream, config);
      assert.equal(cursor.ahead, expected.length);
      assert.deepEqual(drain(cursor), expected);
      assert.deepEqual([cursor.ahead, cursor.next], [0, 6]);
      const added = stream.append('b');
      const isWanted = cursor.filter?.matches('b') ?? true;
      cursor.appended(added, added, isWanted ? 1 : 0);
      assert.equal(cursor.ahead, isWanted ? 1 : 0);
      assert.deepEqual(drain(cursor), isWanted ? [6] : []);
    });
  }

  test('in a stream that was emptied, with the next message', () => {
    const stream = streamOf('a', 'a');
    stream.purge(3);
    for (const deliver_policy of ['all', 'last', 'new']) {
      assert.equal(cursorOn(stream, { deliver_policy }).next, 3);
    }
    assert.equal(cursorOn(new NaiveStream(), {}).next, 1);
  });
});

test('the last message per subject is the last when the consumer was created; later ones follow', () => {
  const stream = streamOf('a', 'b', 'a');
  const cursor = cursorOn(stream, { deliver_policy: 'last_per_subject', filter_subject: '>' });
  const added = stream.append('b');
  cursor.appended(added, added, 1);
  assert.equal(cursor.ahead, 3);
  assert.deepEqual(drain(cursor), [2, 3, 4]);
});

test('what vanishes ahead is not counted any more, what vanishes behind never was', () => {
  const stream = streamOf('a', 'b', 'a', 'a');
  const cursor = cursorOn(stream, { filter_subject: 'a' });
  assert.equal(cursor.ahead, 3);
  cursor.advance(1);
  for (const sequence of [1, 2, 3]) {
    const { subject } = stream.load(sequence)!;
    stream.remove(sequence);
    cursor.removed(sequence, subject);
  }
  assert.equal(cursor.ahead, 1);
  assert.deepEqual(drain(cursor), [4]);
});

test('a message that vanishes before it was told of is not counted', () => {
  const stream = streamOf('a');
  const cursor = cursorOn(stream, {});
  assert.equal(cursor.ahead, 1);
  stream.append('a');
  stream.remove(2);
  cursor.removed(2, 'a');
  cursor.appended(2, 2, 0);
  assert.equal(cursor.ahead, 1);
});

test('messages that are told of together with some that have been counted are counted once', () => {
  const stream = streamOf('a', 'a');
  const cursor = cursorOn(stream, {});
  assert.equal(cursor.ahead, 2);
  stream.append('a');
  cursor.appended(1, 3, 3);
  assert.equal(cursor.ahead, 3);
  cursor.appended(2, 3, 2);
  assert.equal(cursor.ahead, 3);
  stream.append('a');
  cursor.appended(4, 4, undefined);
  assert.equal(cursor.ahead, 4, 'and those of which nobody knows how many there are');
});

test('what is delivered while it counts is not counted', () => {
  const stream = streamOf('a', 'a');
  const cursor = cursorOn(stream, {});
  const { settle } = stream;
  stream.settle = () => {
    stream.settle = settle;
    assert.equal(cursor.ahead, 2);
    drain(cursor);
  };
  assert.equal(cursor.ahead, 0);
});

test('what happens while it counts, turn by turn, is counted once', () => {
  const stream = streamOf('a', 'b', 'a', 'a');
  let steps = 3;
  const gone: number[] = [];
  stream.startCount = () => ({
    upTo: 4,
    get count() {
      return 4 - gone.length;
    },
    step: () => --steps === 0,
    removed: (sequence) => void gone.push(sequence),
  });
  const cursor = cursorOn(stream, {});
  assert.equal(cursor.countSome(), false);
  const remove = (sequence: number): void => {
    const { subject } = stream.load(sequence)!;
    stream.remove(sequence);
    cursor.removed(sequence, subject);
  };
  for (const subject of ['a', 'b', 'c']) {
    const sequence = stream.append(subject);
    cursor.appended(sequence, sequence, 1);
  }
  remove(3);
  remove(6);
  assert.equal(cursor.countSome(), false);
  remove(1);
  assert.equal(cursor.countSome(), true);
  assert.deepEqual(gone, [3, 1]);
  assert.equal(cursor.ahead, 4);
  assert.deepEqual(drain(cursor), [2, 4, 5, 7]);
  assert.equal(cursor.ahead, 0);
});

test('a purge of one subject leaves the others of a list of last messages', () => {
  const stream = streamOf('a', 'b', 'c', 'b');
  const cursor = cursorOn(stream, { deliver_policy: 'last_per_subject', filter_subject: '>' });
  stream.purge(5, new SubjectFilter('b'));
  cursor.purged(5, false);
  assert.equal(cursor.ahead, 2);
  assert.deepEqual(drain(cursor), [1, 3]);
});

test('a damaged message is still there after a purge of others', () => {
  const stream = streamOf('a', 'b', 'c');
  const cursor = cursorOn(stream, { deliver_policy: 'last_per_subject', filter_subject: '>' });
  stream.purge(4, new SubjectFilter('b'));
  const { load } = stream;
  stream.load = (sequence) => {
    if (sequence === 1) throw new DamagedRecord('S', 1, 'a test');
    return load.call(stream, sequence);
  };
  cursor.purged(4, false);
  assert.equal(cursor.ahead, 2);
  assert.throws(() => cursor.peek(), DamagedRecord);
});

test('knows whether a message is still to come', () => {
  const stream = streamOf('a', 'b', 'a');
  const cursor = cursorOn(stream, { deliver_policy: 'last_per_subject', filter_subject: '>' });
  const expected = [1, 2, 3, 4].map((sequence) => cursor.expects(sequence, 'a'));
  assert.deepEqual(expected, [false, true, true, true]);
});
