/** In which order a group handles messages, and who of it. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../testing/wait-for.ts';
import { inOrderOfKeys, Ledger, numbers, type Posting, postings, upTo } from './mailbox.ts';
import { subscribe } from './message-scene.ts';
import { type MessageStage, publishAll, publishInTurn } from './message-stage.ts';

export function orderCases(stage: MessageStage): void {
  it('messages of one key come one after the other, those of others beside them', async () => {
    const running = new Map<string, number>();
    let most = 0;
    const seen: Posting[] = [];
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders', concurrency: 4 }, async (posting) => {
          assert.equal(running.get(posting.account) ?? 0, 0, 'two of one key at once');
          running.set(posting.account, 1);
          most = Math.max(
            most,
            [...running.values()].reduce((sum, each) => sum + each, 0),
          );
          await delay(2);
          running.set(posting.account, 0);
          seen.push(posting);
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    await publishInTurn(ledger, postings(80));
    await waitFor(() => seen.length === 80);
    assert.ok(inOrderOfKeys(seen));
    assert.ok(most > 1 && most <= 4, `${most} at a time`);
  });

  it('the events of a service are in one order per key, whatever their names', async () => {
    const seen: string[] = [];
    const say = (name: string) => (posting: { account: string }) => {
      seen.push(`${posting.account} ${name}`);
    };
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger, { group: 'orders' }, { posted: say('posted'), closed: say('closed') }),
      ],
    });
    const { messages } = await stage.scene.join('ledger-1');
    for (const account of ['a', 'b']) {
      await messages.publish(Ledger.posted, { account, n: 1 });
      await messages.publish(Ledger.closed, { account });
      await messages.publish(Ledger.posted, { account, n: 2 });
    }
    await waitFor(() => seen.length === 6);
    for (const account of ['a', 'b'])
      assert.deepEqual(
        seen.filter((each) => each.startsWith(account)),
        [`${account} posted`, `${account} closed`, `${account} posted`],
      );
  });

  it('the order of each key survives failures and retries', async () => {
    const seen: Posting[] = [];
    const failing = new Map(
      postings(400)
        .filter(({ n }) => n % 20 === 0)
        .map(({ n }) => [n, 1 + (n % 3)]),
    );
    await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(
          Ledger.posted,
          { group: 'orders', retry: { unexpected: { firstMs: 2, mostMs: 4 } } },
          async (posting, { message }) => {
            if (message.attempt <= (failing.get(posting.n) ?? 0))
              throw new Error('5 % fail, once to three times');
            await delay(0);
            seen.push(posting);
          },
        ),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    await publishInTurn(ledger, postings(400));
    await waitFor(() => seen.length >= 400);
    assert.equal(seen.length, 400);
    assert.ok(inOrderOfKeys(seen));
  });

  it('nothing is lost or handled twice when a member drains and comes back', async () => {
    const seen: Posting[] = [];
    const options = {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
          await delay(1);
          seen.push(posting);
        }),
      ],
    };
    const ledger = await stage.scene.join('ledger-1');
    const publishing = publishInTurn(ledger, postings(600));
    for (let round = 0; round < 3; round++) {
      const orders = await stage.scene.join('orders-1', options);
      const before = seen.length;
      await waitFor(() => seen.length > before + 20);
      await orders.drain();
    }
    await publishing;
    await stage.scene.join('orders-1', options);
    await waitFor(() => seen.length >= 600);
    assert.deepEqual(
      numbers(seen).toSorted((a, b) => a - b),
      upTo(600),
    );
    assert.ok(inOrderOfKeys(seen));
  });

  it('a member that stops finishes what it has in hand, and begins nothing', async () => {
    const started: number[] = [];
    const finished: number[] = [];
    const orders = await stage.scene.join('orders-1', {
      subscriptions: [
        subscribe(Ledger.posted, { group: 'orders', concurrency: 2 }, async ({ n }) => {
          started.push(n);
          await delay(300);
          finished.push(n);
        }),
      ],
    });
    const ledger = await stage.scene.join('ledger-1');
    await publishAll(ledger, postings(20));
    await waitFor(() => started.length === 2);
    await orders.drain();
    assert.deepEqual(finished, started);
    assert.equal(started.length, 2);
  });

  it('members share the partitions, keep the order of each key, and take over from each other', async () => {
    const seen: (Posting & { by: string })[] = [];
    const member = (instance: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
            seen.push({ ...posting, by: instance });
          }),
        ],
      });
    const [first] = await Promise.all([member('orders-1'), member('orders-2')]);
    const ledger = await stage.scene.join('ledger-1');
    const owners = async (): Promise<(string | undefined)[]> => {
      const [group] = await (await stage.scene.operations()).groups();
      return group?.partitions.map(({ owner }) => owner) ?? [];
    };
    await waitFor(async () => {
      const now = await owners();
      return (
        now.filter((owner) => owner === 'orders-1').length === 2 && now.every((owner) => owner !== undefined)
      );
    });
    await publishInTurn(ledger, postings(100, 32));
    await waitFor(() => seen.length === 100);
    assert.deepEqual(new Set(seen.map(({ by }) => by)), new Set(['orders-1', 'orders-2']));
    await first.drain();
    await publishInTurn(ledger, postings(200, 32).slice(100));
    await waitFor(() => seen.length === 200);
    assert.ok(seen.slice(100).every(({ by }) => by === 'orders-2'));
    assert.ok(inOrderOfKeys(seen));
  });

  it('when a member dies the others go on from its checkpoints, and lose nothing', async () => {
    const seen: (Posting & { by: string })[] = [];
    const member = (instance: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'orders' }, async (posting) => {
            await delay(1);
            seen.push({ ...posting, by: instance });
          }),
        ],
      });
    const [first] = await Promise.all([member('orders-1'), member('orders-2')]);
    const ledger = await stage.scene.join('ledger-1');
    const publishing = publishInTurn(ledger, postings(600, 32));
    await waitFor(() => seen.length > 100);
    await first.kill();
    const handledByFirst = new Set(numbers(seen.filter(({ by }) => by === 'orders-1')));
    await publishing;
    await waitFor(() => new Set(numbers(seen)).size === 600);
    const byTheOther = numbers(seen.filter(({ by }) => by === 'orders-2'));
    assert.equal(new Set(byTheOther).size, byTheOther.length, 'nothing twice by one member');
    const again = byTheOther.filter((n) => handledByFirst.has(n));
    assert.ok(
      again.length + 600 - handledByFirst.size === byTheOther.length,
      'only what the dead one had done',
    );
  });

  it('a group belongs to one service', async () => {
    const seen: string[] = [];
    const member = (instance: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          subscribe(Ledger.posted, { group: 'shared' }, async () => {
            seen.push(instance);
          }),
        ],
      });
    const orders = await member('orders-1');
    const ledger = await stage.scene.join('ledger-1');
    await publishAll(ledger, postings(8));
    await waitFor(() => seen.length === 8);
    await orders.drain();
    await member('mail-1');
    await publishAll(ledger, postings(16).slice(8));
    await member('orders-1');
    await waitFor(() => seen.length === 16);
    assert.deepEqual(new Set(seen), new Set(['orders-1']));
  });
}
