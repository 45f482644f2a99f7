/** What a publisher and the message that it publishes can rely on. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { FlotillaError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import { readHeaderBlock } from '../headers.ts';
import { JetStreamApi } from '../jetstream/api.ts';
import { header } from '../topology.ts';
import { Ledger, numbers, upTo } from './mailbox.ts';
import { listen, subscribe } from './message-scene.ts';
import type { MessageStage } from './message-stage.ts';

export function publishingCases(stage: MessageStage): void {
  it('a message arrives with what its publisher said, as a CloudEvent', async () => {
    const seen: unknown[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, (posting, { message }) => {
          const { id, sequence, partition, key, type, event, service, source, attempt, redrives } = message;
          seen.push({
            posting,
            id,
            sequence,
            partition,
            key,
            type,
            event,
            service,
            source,
            attempt,
            redrives,
          });
          assert.ok(Math.abs(message.time.getTime() - Date.now()) < 60_000);
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    const posting = { account: 'Zürich 7', n: 1 };
    const published = await ledger.messages.publish(Ledger.posted, posting, { id: 'posting-1' });
    assert.equal(published.duplicate, false);
    await waitFor(() => seen.length === 1);
    const { partition, sequence } = published;
    assert.deepEqual(seen, [
      {
        ...{ posting, id: 'posting-1', sequence, partition, key: 'Zürich 7', type: 'ledger.posted' },
        ...{
          event: 'posted',
          service: 'ledger',
          source: `/${stage.scene.fleet}/ledger`,
          attempt: 1,
          redrives: 0,
        },
      },
    ]);
    const stored = await new JetStreamApi(await stage.scene.connect()).message(
      `${stage.scene.fleet}_ledger`,
      sequence,
    );
    assert.equal(stored?.subject, `${stage.scene.fleet}.events.ledger.${partition}.posted`);
    const headers = readHeaderBlock(Buffer.from(stored.hdrs ?? '', 'base64'));
    assert.equal(headers.get(header.specVersion), '1.0');
    assert.equal(headers.get(header.type), 'ledger.posted');
    assert.equal(headers.get(header.id), 'posting-1');
    assert.equal(headers.get(header.messageId), 'posting-1');
    assert.match(headers.get(header.traceparent) ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
    assert.deepEqual(JSON.parse(Buffer.from(stored.data ?? '', 'base64').toString()), posting);
  });

  it('the trace goes on from the publisher to the handler', async () => {
    let handled: string | undefined;
    const orders = await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, (_, { trace }) => {
          handled = trace.name;
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    await ledger.messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(() => handled !== undefined);
    const [summary] = ledger.telemetry.tracer.recent({ reason: 'recent' });
    const [published] = ledger.telemetry.tracer.spansOf(summary!.traceId);
    assert.deepEqual([published?.name, published?.kind], ['publish ledger.posted', 'producer']);
    const processed = await waitFor(() => orders.telemetry.tracer.spansOf(summary!.traceId)[0]);
    assert.deepEqual([processed.name, processed.kind], ['process ledger.posted', 'consumer']);
    assert.equal(processed.parentSpanId, published?.spanId);
    assert.equal(processed.attributes['messaging.consumer.group.name'], 'orders');
    assert.equal(processed.attributes['messaging.system'], 'nats');
  });

  it('what is published twice under one id is one message to the stream, for two minutes', async () => {
    const seen: number[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [subscribe(Ledger.posted, { group: 'orders' }, ({ n }) => void seen.push(n))],
    });
    const { messages } = await stage.scene.join('ledger-1');
    const first = await messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'once' });
    const again = await messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'once' });
    assert.deepEqual([again.sequence, again.duplicate], [first.sequence, true]);
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 2);
    assert.deepEqual(seen, [1, 2]);
  });

  it('a delayed message is published when it is due, once, and under its id', async () => {
    const seen: { n: number; at: number; id: string }[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, ({ n }, { message }) => {
          seen.push({ n, at: Date.now(), id: message.id });
        }),
      ],
    });
    const { messages } = await stage.scene.join('ledger-1');
    const start = Date.now();
    const options = [
      { delay: '700ms' as const },
      { at: new Date(start + 400) },
      { at: new Date(start - 1_000) },
    ];
    const published = await Promise.all(
      options.map((option, at) => messages.publish(Ledger.posted, { account: 'a', n: at + 1 }, option)),
    );
    await waitFor(() => seen.length === 3);
    assert.deepEqual(numbers(seen), [3, 2, 1]);
    assert.ok(seen[1]!.at >= start + 400 && seen[2]!.at >= start + 700, JSON.stringify({ start, seen }));
    assert.deepEqual(
      seen.map(({ id }) => id),
      [2, 1, 0].map((at) => published[at]!.id),
    );
  });

  it('listeners hear what is said from now on, each instance or one of a group', async () => {
    const seen: string[] = [];
    const listener = (instance: string, group?: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          listen(
            Ledger.posted,
            group === undefined ? {} : { group },
            ({ n }) => void seen.push(`${instance} ${n}`),
          ),
        ],
      });
    const { messages } = await stage.scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 0 });
    await Promise.all([
      listener('each-1'),
      listener('each-2'),
      listener('one-1', 'one'),
      listener('one-2', 'one'),
    ]);
    messages.emit(Ledger.posted, { account: 'a', n: 1 });
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 6);
    for (const n of [1, 2]) {
      assert.ok(seen.includes(`each-1 ${n}`) && seen.includes(`each-2 ${n}`));
      assert.equal(seen.filter((each) => each.startsWith('one') && each.endsWith(` ${n}`)).length, 1);
    }
    const { state } = await new JetStreamApi(await stage.scene.connect()).streamInfo(
      `${stage.scene.fleet}_ledger`,
    );
    assert.equal(state.messages, 2, 'what is emitted is not stored');
  });

  it('an invalid payload is refused before it is sent, and named', async () => {
    const { messages } = await stage.scene.join('ledger-1');
    const wrong = { account: 'a', n: 'one' };
    const isNamed = (error: FlotillaError): boolean =>
      error.code === 'invalid_argument' && /^n: /.test(error.message);
    await assert.rejects(messages.publish(Ledger.posted, wrong), isNamed);
    assert.throws(() => messages.emit(Ledger.posted, wrong), isNamed);
    await assert.rejects(messages.publish(Ledger.posted, { account: 'a', n: 1 }, { id: 'a b' }), {
      code: 'invalid_argument',
    });
    const large = { account: 'x'.repeat(2_000_000), n: 1 };
    await assert.rejects(messages.publish(Ledger.posted, large), { code: 'payload_too_large' });
  });

  it('who publishes too much at once is held back, and refused when it goes on', async () => {
    const { messages } = await stage.scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 0 });
    const outcomes = await Promise.allSettled(
      upTo(20_000).map((n) => messages.publish(Ledger.posted, { account: `a${n}`, n })),
    );
    const refused = outcomes.filter(({ status }) => status === 'rejected') as PromiseRejectedResult[];
    assert.ok(refused.length > 0 && refused.length < 4_000, `${refused.length} refused`);
    for (const { reason } of refused) assert.equal((reason as FlotillaError).code, 'overloaded');
    const { state } = await new JetStreamApi(await stage.scene.connect()).streamInfo(
      `${stage.scene.fleet}_ledger`,
    );
    assert.equal(state.messages, 20_001 - refused.length);
  });
}
