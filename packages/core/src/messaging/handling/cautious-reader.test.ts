import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Msg } from '@nats-io/nats-core';
import { silentLogger } from '../../telemetry/log.ts';
import { waitFor } from '../../testing/wait-for.ts';
import type { Delivery } from '../jetstream/delivery.ts';
import type { AttemptBook } from './attempt-book.ts';
import { CautiousReader, type OnDelivery } from './cautious-reader.ts';
import type { AttemptNote } from './suspicion.ts';

const noMessage = {} as Msg;

/** Messages 1 to 5 of a partition, read by owners that die at number 3. */
class Partition {
  readonly notes = new Map<number, AttemptNote>();
  readonly handled: number[] = [];
  readonly condemned: number[] = [];
  readonly opened: { readonly after: number; readonly capacity: number }[] = [];
  checkpoint = 0;
  isDead = false;

  /** One owner, until it dies or everything is done with. */
  async live(): Promise<void> {
    this.isDead = false;
    let onMessage: OnDelivery = () => {};
    let next = this.checkpoint + 1;
    let room = 0;
    const deliver = (): void => {
      while (room > 0 && next <= 5 && !this.isDead) {
        room -= 1;
        const sequence = next++;
        onMessage(noMessage, { sequence, pending: 5 - sequence } as Delivery);
      }
    };
    const done = (sequence: number): void => {
      reader.release(1);
      // Checkpoints are saved later than messages are done with.
      if (sequence % 2 === 0) this.checkpoint = sequence;
    };
    const reader = new CautiousReader({
      after: this.checkpoint,
      capacity: 8,
      log: silentLogger,
      book: {
        read: async (sequence: number) => this.notes.get(sequence),
        write: async (sequence: number, note: AttemptNote) => {
          if (!this.isDead) this.notes.set(sequence, note);
        },
      } as unknown as AttemptBook,
      open: (after, capacity, handler) => {
        this.opened.push({ after, capacity });
        onMessage = handler;
        next = after + 1;
        room = capacity;
        queueMicrotask(deliver);
        return {
          release: (count) => {
            room += count;
            deliver();
          },
          stop: () => {},
        };
      },
      handle: (_, { sequence }) => {
        if (this.isDead) return;
        if (sequence === 3) {
          this.isDead = true;
          return;
        }
        this.handled.push(sequence);
        done(sequence);
      },
      condemn: (_, { sequence }) => {
        this.condemned.push(sequence);
        done(sequence);
      },
    });
    await waitFor(() => this.isDead || this.handled.includes(5));
    reader.stop();
  }
}

describe('reading cautiously', () => {
  it('convicts the message that kills, and none of those that were handled before it', async () => {
    const partition = new Partition();
    for (let life = 0; life < 3; life++) {
      await partition.live();
      assert.equal(partition.isDead, true);
      assert.deepEqual(partition.condemned, []);
    }
    await partition.live();
    assert.deepEqual(partition.condemned, [3]);
    assert.deepEqual([...new Set(partition.handled)], [1, 2, 4, 5]);
  });

  it('is over behind the last message that was there', async () => {
    const partition = new Partition();
    for (let life = 0; life < 4; life++) await partition.live();
    assert.deepEqual(partition.opened.at(-1), { after: 5, capacity: 8 });
    assert.ok(partition.opened.slice(0, -1).every(({ capacity }) => capacity === 1));
  });
});
