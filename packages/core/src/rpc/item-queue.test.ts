import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { platformError } from '../errors/index.ts';
import { ItemQueue } from './item-queue.ts';

function source() {
  return {
    granted: 0,
    cancelled: 0,
    grant(_callId: number, count: number) {
      this.granted += count;
    },
    cancel() {
      this.cancelled++;
    },
  };
}

const item = (text: string) => Buffer.from(text);

describe('item queue', () => {
  it('gives items in order, and credit so that a server that obeys it never exceeds the window', async () => {
    const plan = fc.array(fc.boolean(), { maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 20 }), plan, async (window, steps) => {
        const origin = source();
        const queue = new ItemQueue(1, window, origin);
        let sent = 0;
        let read = 0;
        for (const isSend of steps) {
          if (isSend) {
            if (sent === window + origin.granted) continue;
            assert.equal(queue.push(item(String(sent++))), true);
          } else if (read < sent) {
            const { value } = await queue.next();
            assert.equal(String(value), String(read++));
          }
          assert.ok(sent - read <= window);
          if (sent === read)
            assert.ok(window + origin.granted > sent, 'a reader that is up to date has given credit');
        }
      }),
    );
  });

  it('says so when a server sends more than its credit', () => {
    const queue = new ItemQueue(1, 2, source());
    assert.deepEqual(
      [queue.push(item('a')), queue.push(item('b')), queue.push(item('c'))],
      [true, true, false],
    );
  });

  it('serves readers that came before the items, in their order', async () => {
    const queue = new ItemQueue(1, 8, source());
    const reads = [queue.next(), queue.next(), queue.next()];
    queue.push(item('a'));
    queue.push(item('b'));
    queue.finish(undefined);
    const results = await Promise.all(reads);
    assert.deepEqual(
      results.map(({ value, done }) => (done ? 'done' : String(value))),
      ['a', 'b', 'done'],
    );
  });

  it('gives what had arrived before the server’s error, then the error once, then ends', async () => {
    const queue = new ItemQueue(1, 8, source());
    queue.push(item('a'));
    queue.finish(platformError('conflict', 'no more'));
    assert.equal(String((await queue.next()).value), 'a');
    await assert.rejects(queue.next(), { code: 'conflict' });
    assert.equal((await queue.next()).done, true);
  });

  it('drops what had arrived when this side gives up', async () => {
    const queue = new ItemQueue(1, 8, source());
    queue.push(item('a'));
    queue.abandon(platformError('cancelled', 'enough'));
    await assert.rejects(queue.next(), { code: 'cancelled' });
  });

  it('cancels once when its reader leaves, and not at all after the end', async () => {
    const left = source();
    const queue = new ItemQueue(1, 8, left);
    const waiting = queue.next();
    await queue.return();
    await queue.return();
    assert.equal((await waiting).done, true);
    assert.equal(left.cancelled, 1);

    const ended = source();
    const over = new ItemQueue(1, 8, ended);
    over.finish(undefined);
    await over.return();
    assert.equal(ended.cancelled, 0);
  });
});
