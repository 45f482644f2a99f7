import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { FlotillaError } from '../../errors/flotilla-error.ts';
import { encodeValue, readHeaderBlock } from '../headers.ts';
import { JetStreamApi, type StreamConfig } from '../jetstream/api.ts';
import { startNatsServer, type TestBroker, withoutNatsServer } from '../testing/nats-server.ts';
import { describeFamily, header, Topology } from '../topology.ts';
import type { DeadLetter, DeadLetterFilter } from './dead-letter.ts';
import { giveToGroup } from './give-to-group.ts';
import { MessageOperations } from './message-operations.ts';

const topology = new Topology('shop');
const orders = topology.eventStream('orders');

describe('operations on messages', { skip: withoutNatsServer }, () => {
  let server: TestBroker;
  let connection: NatsConnection;
  let api: JetStreamApi;
  let operations: MessageOperations;

  before(async () => {
    server = await startNatsServer();
    connection = await connect({ servers: server.url });
    api = new JetStreamApi(connection);
    operations = new MessageOperations(connection, 'shop');
  });

  after(async () => {
    await connection?.close();
    await server?.stop();
  });

  beforeEach(async () => {
    for (const name of await api.streamNames('>')) await api.request(`STREAM.DELETE.${name}`);
  });

  const stream = (name: string, subject: string, more: Partial<StreamConfig> = {}) =>
    api.createStream({
      name,
      subjects: [subject],
      retention: 'limits',
      storage: 'memory',
      num_replicas: 1,
      ...more,
    });

  /** What a service with a group `mail` leaves on the broker. */
  async function setUp(): Promise<void> {
    await stream(orders, topology.eventSubjects('orders'));
    await stream(topology.deadLetterStream, topology.deadLetterSubject());
    await stream(topology.redriveStream, 'shop.redrive.>', { retention: 'workqueue' });
    for (const group of ['mail', 'ledger']) {
      await api.createConsumer(topology.redriveStream, {
        durable_name: topology.redriveConsumer(group, 'orders'),
        filter_subject: topology.redriveSubject(group, 'orders'),
        ack_policy: 'explicit',
        deliver_policy: 'all',
        replay_policy: 'instant',
      });
    }
  }

  const store = (subject: string, payload: object, headers: Record<string, string>) =>
    giveToGroup(connection, {
      subject,
      payload: Buffer.from(JSON.stringify(payload)),
      headers: Object.entries(headers),
    });

  const publish = (n: number, event = 'placed') =>
    store(
      topology.eventSubject('orders', n % 4, event),
      { order: n },
      {
        [header.messageId]: `order-${n}`,
        [header.id]: `order-${n}`,
        [header.type]: `orders.${event}`,
        [header.key]: `customer-${n % 3}`,
      },
    );

  const bury = (n: number, group = 'mail', event = 'placed', extra: Record<string, string> = {}) =>
    store(
      topology.deadLetterSubject('orders', group, event),
      { order: n },
      {
        [header.messageId]: `${group}:order-${n}`,
        [header.id]: `order-${n}`,
        [header.type]: `orders.${event}`,
        [header.key]: `customer-${n % 3}`,
        [header.traceparent]: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        [header.reason]: 'exhausted',
        [header.error]: encodeValue('unavailable: the mail server says “no”\nand hangs up'),
        [header.stack]: encodeValue('Error: no\n    at send (mail.ts:3:1)'),
        [header.attempts]: '30',
        [header.firstAttempt]: '1700000000000',
        [header.lastAttempt]: '1700000600000',
        [header.instance]: 'mail-1',
        [header.originStream]: orders,
        [header.originSequence]: String(n),
        [header.originSubject]: topology.eventSubject('orders', n % 4, event),
        ...extra,
      },
    );

  async function letters(filter?: DeadLetterFilter): Promise<DeadLetter[]> {
    const found: DeadLetter[] = [];
    for await (const letter of operations.deadLetters(filter)) found.push(letter);
    return found;
  }

  const ids = (found: readonly DeadLetter[]) => found.map(({ id }) => id);

  /** What lies in the redrive stream. */
  async function given() {
    const { state } = await api.streamInfo(topology.redriveStream);
    const messages = [];
    if (state.messages === 0) return [];
    for (let sequence = state.first_seq; sequence <= state.last_seq; sequence++) {
      const found = await api.message(topology.redriveStream, sequence);
      assert.ok(found);
      const headers = readHeaderBlock(Buffer.from(found.hdrs ?? '', 'base64'));
      const payload = JSON.parse(Buffer.from(found.data ?? '', 'base64').toString());
      messages.push({ subject: found.subject, headers: new Map(headers.entries()), payload });
    }
    return messages;
  }

  it('find nothing where nothing was stored', async () => {
    assert.deepEqual(await letters(), []);
    assert.equal((await operations.redrive({})).letters, 0);
  });

  it('tell all that is known of a dead letter', async () => {
    await setUp();
    await bury(7);
    const [letter] = await letters();
    assert.ok(letter);
    const { sequence, time, headers, payload, ...rest } = letter;
    assert.equal(sequence, 1);
    assert.ok(Math.abs(time.getTime() - Date.now()) < 60_000);
    assert.equal(headers.find(([name]) => name === header.type)?.[1], 'orders.placed');
    assert.deepEqual(JSON.parse(Buffer.from(payload).toString()), { order: 7 });
    assert.deepEqual(rest, {
      id: 'order-7',
      service: 'orders',
      event: 'placed',
      group: 'mail',
      key: 'customer-1',
      reason: 'exhausted',
      error: { code: 'unavailable', message: 'the mail server says “no”\nand hangs up' },
      stack: 'Error: no\n    at send (mail.ts:3:1)',
      attempts: 30,
      firstAttempt: new Date(1_700_000_000_000),
      lastAttempt: new Date(1_700_000_600_000),
      instance: 'mail-1',
      redrives: 0,
      origin: { stream: orders, sequence: 7, subject: 'shop.events.orders.3.placed' },
    });
  });

  it('find dead letters by what they are', async () => {
    await setUp();
    for (let n = 1; n <= 6; n++) await bury(n, n % 2 ? 'mail' : 'ledger', n > 4 ? 'cancelled' : 'placed');
    assert.equal((await letters()).length, 6);
    assert.deepEqual(ids(await letters({ group: 'mail' })), ['order-1', 'order-3', 'order-5']);
    assert.deepEqual(ids(await letters({ event: 'cancelled', group: 'ledger' })), ['order-6']);
    assert.deepEqual(ids(await letters({ key: 'customer-0' })), ['order-3', 'order-6']);
    assert.deepEqual(ids(await letters({ sequences: [2, 5] })), ['order-2', 'order-5']);
    assert.deepEqual(ids(await letters({ ids: ['order-4'], sequences: [1] })), ['order-1', 'order-4']);
    assert.deepEqual(ids(await letters({ service: 'payments' })), []);
    assert.deepEqual(ids(await letters({ code: 'internal' })), []);
    assert.deepEqual(ids(await letters({ since: new Date(Date.now() + 60_000) })), []);
    assert.equal((await letters({ since: new Date(Date.now() - 60_000) })).length, 6);
  });

  it('give dead letters back to their groups, without their obituaries', async () => {
    await setUp();
    await bury(1);
    await bury(2, 'ledger', 'placed', { [header.redrives]: '2' });
    const seen: string[] = [];
    const report = await operations.redrive({}, { onLetter: ({ id }) => seen.push(id) });
    assert.deepEqual(report, { letters: 2, groups: { mail: 1, ledger: 1 }, stopped: false });
    assert.deepEqual(seen, ['order-1', 'order-2']);
    assert.deepEqual(await letters(), []);
    const [first, second] = await given();
    assert.equal(first?.subject, 'shop.redrive.mail.orders.placed');
    assert.equal(second?.subject, 'shop.redrive.ledger.orders.placed');
    assert.deepEqual(first?.payload, { order: 1 });
    const { headers } = first!;
    assert.equal(headers.get(header.id), 'order-1');
    assert.equal(headers.get(header.key), 'customer-1');
    assert.equal(headers.get(header.originSequence), '1');
    assert.ok(headers.has(header.traceparent), 'it is still the same trace');
    assert.deepEqual([headers.get(header.redrives), second?.headers.get(header.redrives)], ['1', '3']);
    for (const name of [header.reason, header.error, header.stack, header.attempts, header.instance]) {
      assert.ok(!headers.has(name), name);
    }
  });

  it('give back only what was asked for, and in a dry run nothing', async () => {
    await setUp();
    for (let n = 1; n <= 6; n++) await bury(n, n % 2 ? 'mail' : 'ledger');
    const dry = await operations.redrive({ group: 'mail' }, { dryRun: true });
    assert.deepEqual(dry, { letters: 3, groups: { mail: 3 }, stopped: false });
    assert.deepEqual([(await given()).length, (await letters()).length], [0, 6]);
    await operations.redrive({ sequences: [3] });
    await operations.redrive({ group: 'ledger', key: 'customer-1' });
    assert.deepEqual(ids(await letters()), ['order-1', 'order-2', 'order-5', 'order-6']);
    assert.deepEqual(
      (await given()).map(({ headers }) => headers.get(header.id)),
      ['order-3', 'order-4'],
    );
  });

  it('do not give a letter twice when they ended before it was removed', async () => {
    await setUp();
    await api.request(`STREAM.DELETE.${topology.deadLetterStream}`);
    // A letter that cannot be removed is as one whose redrive was killed between the two.
    await stream(topology.deadLetterStream, topology.deadLetterSubject(), { deny_delete: true });
    await bury(1);
    for (let attempt = 1; attempt <= 2; attempt++) await assert.rejects(operations.redrive({}), /DELETE/);
    assert.deepEqual(ids(await letters()), ['order-1']);
    assert.equal((await given()).length, 1);
  });

  it('come to an end when what is redriven dies again at once', async () => {
    await setUp();
    await bury(1);
    await bury(2);
    const again: Promise<unknown>[] = [];
    const options = { perSecond: 200, onLetter: () => void again.push(bury(10 + again.length)) };
    assert.equal((await operations.redrive({}, options)).letters, 2);
    await Promise.all(again);
    assert.deepEqual(ids(await letters()), ['order-10', 'order-11']);
  });

  it('stop when they are told to, and say how far they came', async () => {
    await setUp();
    for (let n = 1; n <= 3; n++) await bury(n);
    const stop = new AbortController();
    // The second has to wait for a long time, in which it is called off.
    const options = { perSecond: 0.01, signal: stop.signal, onLetter: () => stop.abort() };
    const report = await operations.redrive({}, options);
    assert.deepEqual(report, { letters: 1, groups: { mail: 1 }, stopped: true });
    assert.deepEqual(ids(await letters()), ['order-2', 'order-3']);
    await publish(1);
    const selection = { group: 'mail', service: 'orders', from: { sequence: 1 } };
    const replay = await operations.replay(selection, { signal: stop.signal });
    assert.deepEqual([replay.messages, replay.first, replay.stopped], [0, null, true]);
  });

  it('say how much was done when something fails in the middle', async () => {
    await setUp();
    for (let n = 1; n <= 3; n++) await bury(n, n === 3 ? 'billing' : 'mail');
    await assert.rejects(
      operations.redrive({}),
      /no group "billing" .* \(2 dead letters were given back before\)/,
    );
    assert.deepEqual(ids(await letters()), ['order-3']);
  });

  it('give nothing to a group that nobody is in', async () => {
    await setUp();
    await bury(1, 'billing');
    await assert.rejects(operations.redrive({}), (error) => {
      assert.ok(error instanceof FlotillaError);
      assert.equal(error.code, 'not_found');
      assert.match(
        error.message,
        /no group "billing" reads events of orders: those that do are ledger, mail/,
      );
      return true;
    });
    assert.deepEqual(ids(await letters()), ['order-1']);
    await publish(1);
    const replay = operations.replay({ group: 'billing', service: 'orders', from: { sequence: 1 } });
    await assert.rejects(replay, /no group "billing"/);
    const unknown = operations.replay({ group: 'mail', service: 'payments', from: { sequence: 1 } });
    await assert.rejects(unknown, /stream not found/);
  });

  it('let a group handle stored events once more, under the name of the replay', async () => {
    await setUp();
    for (let n = 1; n <= 10; n++) await publish(n, n % 5 ? 'placed' : 'cancelled');
    const selection = { group: 'mail', service: 'orders', from: { sequence: 4 }, until: { sequence: 8 } };
    const dry = await operations.replay(selection, { dryRun: true });
    assert.equal((await given()).length, 0);
    const report = await operations.replay(selection);
    assert.deepEqual(report, dry);
    assert.deepEqual(
      [report.messages, report.first?.sequence, report.last?.sequence, report.events, report.stopped],
      [5, 4, 8, { placed: 4, cancelled: 1 }, false],
    );
    const once = await given();
    assert.deepEqual(
      once.map(({ payload }) => payload.order),
      [4, 5, 6, 7, 8],
    );
    assert.equal(once[1]?.subject, 'shop.redrive.mail.orders.cancelled');
    const replayId = once[0]?.headers.get(header.replay);
    assert.ok(replayId);
    assert.ok(once.every(({ headers }) => headers.get(header.replay) === replayId));
    assert.deepEqual(
      [once[0]?.headers.get(header.id), once[0]?.headers.get(header.originSequence)],
      ['order-4', '4'],
    );
    await operations.replay({ ...selection, event: 'cancelled' });
    const again = (await given()).slice(5);
    assert.deepEqual(
      again.map(({ payload }) => payload.order),
      [5],
    );
    assert.notEqual(again[0]?.headers.get(header.replay), replayId);
  });

  it('replay by time, and more than the server gives at once', async () => {
    await setUp();
    for (let n = 1; n <= 300; n++) await publish(n);
    const recent = { time: new Date(Date.now() - 60_000) };
    const selection = { group: 'mail', service: 'orders', from: recent };
    let progress = 0;
    const report = await operations.replay(selection, {
      onProgress: (done) => {
        assert.equal(done, ++progress);
      },
    });
    assert.deepEqual([report.messages, progress, report.last?.sequence], [300, 300, 300]);
    const none = await operations.replay({ ...selection, until: recent });
    assert.deepEqual([none.messages, none.first], [0, null]);
  });

  it('tell how far behind each group is, and who works at it', async () => {
    await setUp();
    await api.request(`STREAM.DELETE.${orders}`);
    const description = describeFamily('orders', 4);
    await stream(orders, topology.eventSubjects('orders'), { description });
    await stream(topology.groupsStream, topology.keySubject('>'), { max_msgs_per_subject: 1 });
    for (let n = 1; n <= 12; n++) await publish(n, n > 8 ? 'cancelled' : 'placed');
    const put = (key: string, value: object) => store(topology.keySubject(key), value, {});
    const own = (partition: number, owner: string, sequence: number, more: object = {}) =>
      put(topology.partitionKey('mail', 'orders', partition), {
        ...{ owner, epoch: 3, by: 'mail', sequence, time: 1_700_000_000_000 },
        ...{ inFlight: 0, retries: 0, deadLetters: 0, ...more },
      });
    await own(0, 'mail-1', 12);
    await own(1, 'mail-1', 1, { inFlight: 2, retries: 5 });
    await own(2, '', 6);
    for (const instance of ['mail-2', 'mail-1'])
      await put(topology.memberKey('mail', 'orders', instance), { instance, startedAt: 1 });
    await store(
      topology.keySubject(topology.memberKey('mail', 'orders', 'mail-3')),
      {},
      { 'KV-Operation': 'DEL' },
    );
    await api.createConsumer(orders, {
      durable_name: topology.workConsumer('ledger', 'cancelled'),
      filter_subject: topology.eventFilter('orders', '*', 'cancelled'),
      ack_policy: 'explicit',
      deliver_policy: 'all',
      replay_policy: 'instant',
    });
    await bury(1, 'mail');
    await bury(2, 'ledger');
    await bury(3, 'ledger', 'cancelled');
    await bury(4, 'mail');
    await operations.redrive({ sequences: [4] });

    const [ledger, mail, ...others] = await operations.groups();
    assert.deepEqual(others, []);
    const { oldest, ...known } = ledger!;
    assert.ok(oldest && Date.now() - oldest.getTime() < 60_000);
    assert.deepEqual(known, {
      group: 'ledger',
      service: 'orders',
      kind: 'work',
      event: 'cancelled',
      stream: orders,
      lag: 4,
      inFlight: 0,
      retries: 0,
      deadLetters: 1,
      givenBack: 0,
      members: [],
      partitions: [],
      consumer: { name: 'work_ledger_cancelled', delivered: 0, ackFloor: 0, waiting: 0 },
    });
    assert.deepEqual(
      [mail?.kind, mail?.lag, mail?.inFlight, mail?.retries, mail?.deadLetters, mail?.givenBack],
      ['subscribe', 2 + 1 + 3, 2, 5, 1, 1],
    );
    assert.deepEqual(
      mail?.members.map(({ instance }) => instance),
      ['mail-1', 'mail-2'],
    );
    assert.ok(mail?.members.every(({ seen }) => Date.now() - seen.getTime() < 60_000));
    assert.deepEqual(
      mail?.partitions.map(({ partition, owner, epoch, checkpoint, lag }) => [
        ...[partition, owner, epoch, checkpoint, lag],
      ]),
      [
        [0, 'mail-1', 3, 12, 0],
        [1, 'mail-1', 3, 1, 2],
        [2, undefined, 3, 6, 1],
        [3, undefined, 0, -1, 3],
      ],
    );
    assert.deepEqual(mail?.partitions[1]?.reported, new Date(1_700_000_000_000));
    assert.equal((await operations.groups({ group: 'mail' })).length, 1);
    assert.equal((await operations.groups({ service: 'payments' })).length, 0);
  });
});
