/** What members promise that compete for messages. The same on every engine. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '../../testing/wait-for.ts';
import { Jobs, numbers, upTo } from './mailbox.ts';
import { work } from './message-scene.ts';
import type { MessageStage } from './message-stage.ts';

export function workCases(stage: MessageStage): void {
  it('work goes to whoever has a place, as many at a time as there are', async () => {
    let running = 0;
    let most = 0;
    const seen: { n: number; by: string }[] = [];
    const renderer = (instance: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers', concurrency: 3 }, async ({ n }) => {
            running += 1;
            most = Math.max(most, running);
            // One member has three places: the first to get any waits for the other.
            await waitFor(() => most > 3);
            await delay(5);
            running -= 1;
            seen.push({ n, by: instance });
          }),
        ],
      });
    await Promise.all([renderer('renderer-1'), renderer('renderer-2')]);
    const { messages } = await stage.scene.join('jobs-1');
    await Promise.all(upTo(60).map((n) => messages.publish(Jobs.render, { n })));
    await waitFor(() => seen.length === 60);
    assert.deepEqual(
      numbers(seen).toSorted((a, b) => a - b),
      upTo(60),
    );
    assert.ok(most <= 6, `${most} at a time`);
    assert.equal(new Set(seen.map(({ by }) => by)).size, 2);
  });

  it('work in hand is not handed out again while it takes longer than the broker waits', async () => {
    const started: number[] = [];
    const renderer = (instance: string) =>
      stage.scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers' }, async ({ n }) => {
            started.push(n);
            await delay(4_000);
          }),
        ],
      });
    const [first] = await Promise.all([renderer('renderer-1'), renderer('renderer-2')]);
    const { messages } = await stage.scene.join('jobs-1');
    await messages.publish(Jobs.render, { n: 1 });
    await waitFor(async () =>
      (await stage.scene.operations()).groups().then(([group]) => group?.inFlight === 1),
    );
    await waitFor(async () => (await stage.scene.operations()).groups().then(([group]) => group?.lag === 0), {
      timeoutMs: 15_000,
    });
    assert.deepEqual(started, [1]);
    assert.ok(first);
  });

  it('work that fails is handed out again after a wait, and in the end becomes a dead letter', async () => {
    const attempts: string[] = [];
    await stage.scene.join('renderer-1', {
      subscriptions: [
        work(
          Jobs.render,
          { group: 'renderers', retry: { unexpected: { attempts: 3, firstMs: 20, mostMs: 40 } } },
          ({ n }, { message }) => {
            attempts.push(`${n} ${message.attempt}`);
            if (n === 2 && message.attempt < 3) throw new Error('not yet');
            if (n === 3) throw new Error('never');
          },
        ),
      ],
    });
    const { messages } = await stage.scene.join('jobs-1');
    for (const n of upTo(3)) await messages.publish(Jobs.render, { n });
    await waitFor(async () => (await stage.deadLetters()).length === 1);
    await waitFor(() => attempts.length === 7);
    assert.deepEqual(attempts.toSorted(), ['1 1', '2 1', '2 2', '2 3', '3 1', '3 2', '3 3']);
    const [letter] = await stage.deadLetters();
    assert.deepEqual([letter?.reason, letter?.attempts, letter?.event], ['exhausted', 3, 'render']);
    await waitFor(async () => (await stage.scene.operations()).groups().then(([group]) => group?.lag === 0));
  });

  it('a member that stops gives its work back to the others at once', async () => {
    const seen: string[] = [];
    const renderer = (instance: string, waitMs: number) =>
      stage.scene.join(instance, {
        subscriptions: [
          work(Jobs.render, { group: 'renderers', concurrency: 1 }, async ({ n }) => {
            await delay(waitMs);
            seen.push(`${instance} ${n}`);
          }),
        ],
      });
    const slow = await renderer('renderer-1', 400);
    const { messages } = await stage.scene.join('jobs-1');
    for (const n of upTo(3)) await messages.publish(Jobs.render, { n });
    await waitFor(async () =>
      (await stage.scene.operations()).groups().then(([group]) => (group?.inFlight ?? 0) >= 2),
    );
    await slow.drain();
    await renderer('renderer-2', 1);
    await waitFor(() => seen.length === 3, { timeoutMs: 1_400 });
    assert.deepEqual(seen.toSorted(), ['renderer-1 1', 'renderer-2 2', 'renderer-2 3']);
  });
}
