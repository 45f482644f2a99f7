/** What becomes of messages that a handler fails with. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { platformError } from '../../errors/flotilla-error.ts';
import { waitFor } from '../../testing/wait-for.ts';
import type { DeadLetter } from '../operators/dead-letter.ts';
import { Ledger, Log, postings, upTo } from './mailbox.ts';
import { subscribe } from './message-scene.ts';
import { type MessageStage, publishAll, rows, rowsOf } from './message-stage.ts';

export function failureCases(stage: MessageStage): void {
  it('what fails is handled again until it succeeds, and nothing behind it of its key before', async () => {
    const seen: string[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { transient: { firstMs: 5, mostMs: 10 } } },
          ({ account, n }, { message: { attempt } }) => {
            seen.push(`${account} ${n} ${attempt}`);
            if (account === 'a' && n === 1 && attempt < 4) throw platformError('unavailable', 'not now');
          },
        ),
      ],
    });
    const { messages } = await stage.scene.join('ledger-1');
    await messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await messages.publish(Ledger.posted, { account: 'a', n: 2 });
    await waitFor(() => seen.length === 5);
    assert.deepEqual(seen, ['a 1 1', 'a 1 2', 'a 1 3', 'a 1 4', 'a 2 1']);
  });

  it('a message that can never be handled becomes a dead letter, and the others go on', async () => {
    const seen: number[] = [];
    const { messages, connection } = await stage.scene.join('ledger-1');
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { unexpected: { attempts: 3, firstMs: 2, mostMs: 4 } } },
          ({ n }) => {
            if (n === 2) throw new TypeError('cannot handle 2', { cause: new RangeError('too even') });
            if (n === 3) throw platformError('not_found', 'no account');
            seen.push(n);
          },
        ),
      ],
    });
    for (const n of upTo(4))
      await messages.publish(Ledger.posted, { account: 'a', n }, { id: `posting-${n}` });
    connection.publish(`${stage.scene.fleet}.events.ledger.0.posted`, '{"account": 7');
    connection.publish(`${stage.scene.fleet}.events.ledger.0.posted`, '{"account": 7, "n": 1}');
    await waitFor(async () => (await stage.deadLetters()).length === 4);
    await waitFor(() => seen.length === 2);
    assert.deepEqual(seen, [1, 4]);
    const byReason = (reason: string) => async (): Promise<DeadLetter[]> =>
      (await stage.deadLetters()).filter((letter) => letter.reason === reason);
    const [exhausted] = await byReason('exhausted')();
    assert.deepEqual(
      [exhausted?.id, exhausted?.attempts, exhausted?.error.message, exhausted?.instance, exhausted?.key],
      ['posting-2', 3, 'cannot handle 2', 'orders-1', 'a'],
    );
    assert.match(exhausted?.stack ?? '', /TypeError: cannot handle 2[\s\S]*caused by: RangeError: too even/);
    assert.equal(exhausted?.origin.stream, `${stage.scene.fleet}_ledger`);
    assert.deepEqual(JSON.parse(Buffer.from(exhausted.payload).toString()), { account: 'a', n: 2 });
    const [permanent] = await byReason('permanent')();
    assert.deepEqual(
      [permanent?.id, permanent?.attempts, permanent?.error.code],
      ['posting-3', 1, 'not_found'],
    );
    const invalid = await byReason('invalid')();
    assert.deepEqual(
      invalid.map(({ payload }) => Buffer.from(payload).toString()),
      ['{"account": 7', '{"account": 7, "n": 1}'],
    );
    assert.match(invalid[1]?.error.message ?? '', /account: /);
  });

  it('a group that never gives up waits for the message that fails', async () => {
    let isBroken = true;
    const seen: number[] = [];
    await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(
          Log.entry,
          {
            group: 'orders',
            transaction: true,
            exhausted: 'wait',
            retry: { transient: { firstMs: 5, mostMs: 10 } },
          },
          ({ n }, { message }) => {
            seen.push(message.attempt);
            if (n === 2 && isBroken) throw platformError('not_found', 'not there yet');
          },
        ),
      ],
    });
    const { messages } = await stage.scene.join('log-1');
    for (const n of upTo(3)) await messages.publish(Log.entry, { n });
    await waitFor(() => seen.length > 8);
    isBroken = false;
    await waitFor(() => seen.at(-1) === 1);
    assert.deepEqual(await stage.deadLetters(), []);
  });

  it('dead letters are given back to their group, and handled once', async () => {
    let isRepaired = false;
    const seen: string[] = [];
    const member = await stage.scene.join('orders-1', {
      schema: rows,
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, ({ n }, { message }) => {
          if (n % 2 === 0 && !isRepaired) throw platformError('not_found', 'not repaired');
          seen.push(`${n} ${message.redrives}`);
        }),
        subscribe(Log.entry, { group: 'orders', transaction: true }, ({ n }) => {
          if (!isRepaired) throw platformError('not_found', 'not repaired');
          member.database.prepare('INSERT INTO rows VALUES (?)').run(n);
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    await publishAll(ledger, postings(6));
    await ledger.messages.publish(Log.entry, { n: 1 });
    await waitFor(async () => (await stage.deadLetters()).length === 4);
    const operations = await stage.scene.operations();
    isRepaired = true;
    assert.equal((await operations.redrive({ service: 'ledger' }, { dryRun: true })).letters, 3);
    assert.equal((await stage.deadLetters()).length, 4);
    assert.equal((await operations.redrive({})).letters, 4);
    await waitFor(() => seen.length === 6 && rowsOf(member).length === 1);
    assert.deepEqual(seen.toSorted(), ['1 0', '2 1', '3 0', '4 1', '5 0', '6 1']);
    assert.deepEqual(await stage.deadLetters(), []);
    await waitFor(async () => (await operations.groups()).every(({ givenBack }) => givenBack === 0));
  });

  it('what dies again after it was given back says how often, and where it came from', async () => {
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, () => {
          throw platformError('not_found', 'still broken');
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    const { sequence } = await ledger.messages.publish(Ledger.posted, { account: 'a', n: 1 });
    await waitFor(async () => (await stage.deadLetters()).length === 1);
    await (await stage.scene.operations()).redrive({});
    const letter = await waitFor(async () => (await stage.deadLetters())[0]);
    assert.deepEqual(
      [letter.redrives, letter.origin.stream, letter.origin.sequence],
      [1, `${stage.scene.fleet}_ledger`, sequence],
    );
  });
}
