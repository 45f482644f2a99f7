/** The consumers of a broker on a naive stream: what clients of the router see of them. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LocalClient } from '../../routing/local-client.ts';
import { Router } from '../../routing/router.ts';
import { ApiError } from '../api/api-error.ts';
import type { ApiHandler, ApiResult } from '../api/api-request.ts';
import type { JetStreamContext } from '../context.ts';
import type { ConsumerProgress, ConsumerRows, PendingRow, StoredConsumer } from '../store/consumer-rows.ts';
import { DamagedRecord } from '../store/damaged-record.ts';
import { Consumers } from './consumers.ts';
import { NaiveStream } from './naive-stream.ts';

interface Row {
  createdUs: number;
  config: string;
  progress: ConsumerProgress;
  readonly pending: Map<number, PendingRow>;
}

const NOWHERE: ConsumerProgress = {
  deliveredConsumer: 0,
  deliveredStream: 0,
  ackFloorConsumer: 0,
  ackFloorStream: 0,
};

class MemoryRows implements ConsumerRows {
  readonly rows = new Map<string, Row>();

  load(): StoredConsumer[] {
    return [...this.rows].map(([name, { createdUs, config, progress, pending }]) => {
      const rows = [...pending.values()].sort((a, b) => a.streamSequence - b.streamSequence);
      return { name, createdUs, config, progress, pending: rows };
    });
  }

  save(name: string, createdUs: number, config: string): void {
    const row = this.rows.get(name);
    this.rows.set(name, { progress: NOWHERE, pending: new Map(), ...row, createdUs, config });
  }

  saveProgress(name: string, progress: ConsumerProgress): void {
    this.rows.get(name)!.progress = progress;
  }

  savePending(name: string, row: PendingRow): void {
    this.rows.get(name)!.pending.set(row.streamSequence, row);
  }

  deletePending(name: string, streamSequence: number): void {
    assert.ok(this.rows.get(name)!.pending.delete(streamSequence), 'a row that is deleted exists');
  }

  deletePendingUpTo(name: string, streamSequence: number): void {
    for (const sequence of this.rows.get(name)!.pending.keys()) {
      if (sequence <= streamSequence) this.deletePending(name, sequence);
    }
  }

  remove(name: string): void {
    this.rows.delete(name);
  }
}

/** A broker without sockets and disks: commits happen when they are asked for. */
class Bench {
  readonly stream: NaiveStream;
  readonly rows: MemoryRows;
  readonly advisories: string[] = [];
  readonly log: string[] = [];
  readonly client: LocalClient;
  readonly consumers: Consumers;
  readonly #handlers = new Map<string, ApiHandler>();

  constructor(stream = new NaiveStream('S', 'limits', ['s.>']), rows = new MemoryRows()) {
    this.stream = stream;
    this.rows = rows;
    const router = new Router();
    this.client = new LocalClient(router, (error) => {
      throw error;
    });
    const context: JetStreamContext = {
      router,
      commits: { afterCommit: (work) => work(), beforeCommit: () => {} },
      log: (level, message) => this.log.push(`${level}: ${message}`),
      nowUs: () => 1_700_000_000_000_000,
      advise: (subject, type, fields) => this.advisories.push(`${subject} ${type} ${JSON.stringify(fields)}`),
      measure: (subject, type) => this.advisories.push(`${subject} ${type}`),
      handle: (tokens, _, handler) => this.#handlers.set(tokens, handler),
      damaged: ({ sequence }) => this.log.push(`damaged: ${sequence}`),
    };
    this.consumers = new Consumers(context);
    stream.consumers = this.consumers.attach(stream, rows);
  }

  api(verb: string, subject: string, body = ''): ApiResult | number | undefined {
    const tokens = `${verb}.${subject}`.split('.');
    const request = { tokens, subject: '', reply: 'r', headers: undefined, body: Buffer.from(body) };
    let result: ApiResult | undefined;
    const answer = {
      once(work: () => ApiResult | undefined): void {
        result = work();
      },
      respond: () => assert.fail(),
      fail: assert.fail,
    };
    try {
      return this.#handlers.get(verb)!(request, answer) ?? result;
    } catch (error) {
      if (error instanceof ApiError) return error.body.err_code;
      throw error;
    }
  }

  create(name: string, config: Readonly<Record<string, unknown>> = {}): ApiResult {
    const complete = { ack_policy: 'explicit', durable_name: name, ...config };
    const body = JSON.stringify({ stream_name: this.stream.name, config: complete });
    const result = this.api('CONSUMER.CREATE', `${this.stream.name}.${name}`, body);
    assert.ok(typeof result === 'object', `not created: ${result}`);
    return result;
  }

  info(name: string): Readonly<Record<string, unknown>> {
    const result = this.api('CONSUMER.INFO', `${this.stream.name}.${name}`);
    assert.ok(typeof result === 'object', `no such consumer: ${result}`);
    return result;
  }

  /** Everything that comes to a subject, as `<subject> <body> <reply>`; acknowledged with `ack` if that is given. */
  listen(subject: string, ack?: string): string[] {
    const got: string[] = [];
    this.client.subscribe(subject, (from, reply, headers, body) => {
      got.push(`${from} ${headers ?? ''}${body} ${reply}`.replaceAll('\r\n', '|'));
      if (ack !== undefined && reply.startsWith('$JS.ACK')) this.client.publish(reply, Buffer.from(ack));
    });
    return got;
  }

  next(name: string, body: string, inbox = 'in'): number {
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${this.stream.name}.${name}`;
    return this.client.publish(subject, Buffer.from(body), { reply: inbox });
  }

  /** Stops as a broker does that is told to, and starts another one on what is stored. */
  restart(): Bench {
    this.consumers.close();
    return new Bench(this.stream, this.rows);
  }
}

/** What happened in this turn has been dealt with. */
async function settled(): Promise<void> {
  for (let i = 0; i < 3; i++) await Promise.resolve();
}

test('a pull request is answered with messages, and an acknowledgement settles one', async () => {
  const bench = new Bench();
  bench.create('c');
  for (const body of ['one', 'two']) bench.stream.append('s.a', body);
  const got = bench.listen('in');
  assert.equal(bench.next('c', '2'), 1);
  await settled();
  assert.deepEqual(got, ['s.a one $JS.ACK.S.c.1.1.1.1000.1', 's.a two $JS.ACK.S.c.1.2.2.2000.0']);
  bench.client.publish('$JS.ACK.S.c.1.1.1.1000.1', Buffer.from('+ACK'));
  const { num_ack_pending, ack_floor } = bench.info('c');
  assert.equal(num_ack_pending, 1);
  assert.equal((ack_floor as { stream_seq: number }).stream_seq, 1);
  bench.consumers.close();
});

test('what is sent to a consumer that does not exist finds no responder', () => {
  const bench = new Bench();
  assert.equal(bench.next('nobody', '1'), 0);
  assert.equal(bench.client.publish('$JS.ACK.S.nobody.1.1.1.1.1', Buffer.alloc(0), { reply: 'in' }), 0);
  assert.equal(bench.client.publish('$JS.FC.S.nobody.abcd', Buffer.alloc(0)), 0);
});

test('a double acknowledgement is answered', async () => {
  const bench = new Bench();
  bench.create('c');
  bench.stream.append('s.a');
  bench.listen('in');
  const answers = bench.listen('answer');
  bench.next('c', '1');
  await settled();
  bench.client.publish('$JS.ACK.S.c.1.1.1.1000.0', Buffer.alloc(0), { reply: 'answer' });
  await settled();
  assert.deepEqual(answers, ['answer  ']);
  assert.deepEqual(bench.rows.rows.get('c')?.progress.ackFloorStream, 1, 'and is on disk before');
  bench.consumers.close();
});

test('a push consumer delivers while someone listens', async () => {
  const bench = new Bench();
  bench.create('p', { deliver_subject: 'out', ack_policy: 'none' });
  bench.stream.append('s.a', '1');
  await settled();
  assert.equal(bench.info('p').push_bound, undefined);
  const got = bench.listen('out');
  await settled();
  bench.stream.append('s.a', '2');
  assert.equal(bench.info('p').push_bound, true);
  assert.deepEqual(got, ['s.a 1 $JS.ACK.S.p.1.1.1.1000.0', 's.a 2 $JS.ACK.S.p.1.2.2.2000.0']);
  bench.consumers.close();
});

test('consumers are listed in the order of their names, and deleted', () => {
  const bench = new Bench();
  for (const name of ['b', 'a', 'c']) bench.create(name);
  const body = '{"offset":1}';
  assert.deepEqual(bench.api('CONSUMER.NAMES', 'S', body), {
    total: 3,
    offset: 1,
    limit: 1024,
    consumers: ['b', 'c'],
  });
  assert.deepEqual(bench.api('CONSUMER.DELETE', 'S.b'), { success: true });
  assert.equal(bench.api('CONSUMER.DELETE', 'S.b'), 10_014);
  assert.equal(bench.api('CONSUMER.DELETE', 'T.b'), 10_059);
  assert.equal(bench.api('CONSUMER.INFO', 'S.a', '{}'), 10_038);
  assert.equal(bench.stream.consumers?.count, 2);
  assert.deepEqual(
    bench.advisories.filter((advisory) => advisory.includes('.b ')),
    [
      'CONSUMER.CREATED.S.b consumer_action {"stream":"S","consumer":"b","action":"create"}',
      'CONSUMER.DELETED.S.b consumer_action {"stream":"S","consumer":"b","action":"delete"}',
    ],
  );
  bench.consumers.close();
});

describe('a restart', () => {
  test('goes on where it was: what was delivered and not acknowledged is still owed', async () => {
    const bench = new Bench();
    bench.create('c', { max_deliver: 2, ack_wait: 60e9 });
    for (let i = 0; i < 5; i++) bench.stream.append('s.a');
    bench.listen('in');
    bench.next('c', '4');
    await settled();
    const say = (text: string, reply: string): number => bench.client.publish(reply, Buffer.from(text));
    say('+ACK', '$JS.ACK.S.c.1.1.1.1000.4');
    bench.next('c', '1');
    say('-NAK', '$JS.ACK.S.c.1.2.2.2000.3');
    await settled();
    const withoutTimes = (info: Readonly<Record<string, unknown>>): unknown =>
      JSON.parse(JSON.stringify(info, (key, value) => (key === 'last_active' ? undefined : value)));
    const before = bench.info('c');
    assert.deepEqual([before.num_ack_pending, before.num_redelivered], [3, 1]);
    const again = bench.restart();
    assert.deepEqual(withoutTimes(again.info('c')), withoutTimes(before));

    const got = again.listen('in', '+ACK');
    again.next('c', '9');
    await settled();
    assert.deepEqual(got, ['s.a  $JS.ACK.S.c.1.5.6.5000.0'], 'the rest waits for its time');
    again.consumers.close();
  });

  test('remembers what was delivered too often', async () => {
    const bench = new Bench();
    bench.create('c', { max_deliver: 1 });
    bench.stream.append('s.a');
    bench.listen('in', '-NAK');
    bench.next('c', '9');
    await settled();
    assert.deepEqual([bench.info('c').num_ack_pending, bench.info('c').num_redelivered], [0, 1]);
    const again = bench.restart();
    assert.deepEqual([again.info('c').num_ack_pending, again.info('c').num_redelivered], [0, 1]);
    again.client.publish('$JS.ACK.S.c.1.1.1.1000.0', Buffer.alloc(0));
    const last = again.restart();
    assert.equal(last.info('c').num_redelivered, 0);
    assert.equal(last.rows.rows.get('c')?.pending.size, 0);
    last.consumers.close();
  });

  test('goes on with the last messages per subject, and with nothing that was older', async () => {
    const bench = new Bench();
    for (const subject of ['s.a', 's.b', 's.a', 's.c']) bench.stream.append(subject);
    bench.create('c', { deliver_policy: 'last_per_subject', filter_subject: 's.>', ack_policy: 'none' });
    bench.listen('in');
    bench.next('c', '1');
    await settled();
    bench.stream.append('s.b');
    const again = bench.restart();
    const got = again.listen('in');
    assert.equal(again.info('c').num_pending, 3);
    again.next('c', '9');
    await settled();
    assert.deepEqual(
      got.map((line) => line.split(' ')[0]),
      ['s.a', 's.c', 's.b'],
    );
    again.consumers.close();
  });

  test('forgets consumers that are kept in memory', () => {
    const bench = new Bench();
    bench.create('kept');
    bench.create('not-kept', { mem_storage: true });
    const again = bench.restart();
    assert.equal(again.stream.consumers?.count, 1);
    again.consumers.close();
  });
});

describe('retention', () => {
  test('a work queue loses a message with its acknowledgement', async () => {
    const bench = new Bench(new NaiveStream('W', 'workqueue'));
    bench.create('c');
    for (let i = 0; i < 3; i++) bench.stream.append('w.a');
    bench.listen('in');
    bench.next('c', '3');
    await settled();
    bench.client.publish('$JS.ACK.W.c.1.2.2.2000.0', Buffer.alloc(0));
    bench.client.publish('$JS.ACK.W.c.1.1.1.1000.0', Buffer.from('+TERM'));
    assert.deepEqual(
      bench.stream.stored().map(({ sequence }) => sequence),
      [3],
    );
    bench.consumers.close();
  });

  test('interest keeps a message until all who want it are done, or gone', async () => {
    const bench = new Bench(new NaiveStream('I', 'interest'));
    bench.create('all');
    bench.create('some', { filter_subject: 'i.b' });
    assert.equal(bench.stream.consumers?.interested('i.a'), true);
    for (const subject of ['i.a', 'i.b', 'i.a']) bench.stream.append(subject);
    bench.listen('in', '+ACK');
    bench.next('all', '2');
    await settled();
    assert.equal(bench.stream.messages, 2, 'the second is wanted by the other one');
    bench.next('some', '1');
    await settled();
    assert.equal(bench.stream.messages, 1);
    bench.api('CONSUMER.DELETE', 'I.all');
    assert.equal(bench.stream.messages, 0, 'nobody else wants the third');
    assert.equal(bench.stream.consumers?.interested('i.a'), false);
    bench.consumers.close();
  });
});

test('a message that cannot be read stops its consumer loudly until it is gone', async () => {
  const bench = new Bench();
  bench.create('c');
  for (let i = 0; i < 3; i++) bench.stream.append('s.a');
  const { next } = bench.stream;
  bench.stream.next = (from, filter) => {
    if (from === 2 && bench.stream.load(2) !== undefined) throw new DamagedRecord('S', 2);
    return next.call(bench.stream, from, filter);
  };
  const got = bench.listen('in');
  bench.next('c', '9');
  await settled();
  bench.next('c', '9');
  await settled();
  assert.equal(got.length, 1);
  assert.deepEqual(bench.log, ['damaged: 2', 'error: consumer stopped: it cannot read its next message']);
  bench.stream.remove(2);
  await settled();
  assert.equal(got.length, 2);
  bench.consumers.close();
});

test('the deletion of a stream ends its consumers', async () => {
  const bench = new Bench();
  bench.create('c');
  const got = bench.listen('in');
  bench.next('c', '1');
  await settled();
  bench.stream.consumers?.streamDeleted();
  assert.deepEqual(got, ['in NATS/1.0 409 Consumer Deleted|| ']);
  assert.equal(bench.api('CONSUMER.INFO', 'S.c'), 10_059);
  assert.equal(bench.next('c', '1'), 0);
  bench.consumers.close();
});
