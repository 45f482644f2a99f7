/** What removes messages from a stream that nobody publishes to: new limits, purges, consumers that have gone. */
import type { Steps } from '../steps.ts';
import { enforceLimits, enforceSubjectLimit } from './limits.ts';
import type { MessageLog } from './message-log.ts';
import { Purge, type PurgeOrder } from './purge.ts';
import type { StreamConfig } from './stream-config.ts';

/** Messages removed at once; more go in steps of this size. */
const STEP = 512;

export class Housekeeping {
  readonly #log: MessageLog;
  readonly #steps: Steps;
  #closed = false;

  constructor(log: MessageLog, steps: Steps) {
    this.#log = log;
    this.#steps = steps;
  }

  /** Gives up what is not finished. */
  close(): void {
    this.#closed = true;
  }

  /** Removes what is over the limits of the stream and of its subjects. */
  trim(config: StreamConfig): void {
    this.#run(() => enforceLimits(this.#log, config, STEP));
    if (config.max_msgs_per_subject > 0) this.#trimSubjects(config);
  }

  purge(order: PurgeOrder, done: (purge: Purge) => void): void {
    const purge = new Purge(this.#log, order);
    this.#run(() => {
      if (!purge.step()) return false;
      done(purge);
      return true;
    });
  }

  /** Removes messages from `from` up to the last there is now, unless they are needed. */
  sift(from: number, needs: (sequence: number, subject: string) => boolean): void {
    const log = this.#log;
    const last = log.lastSequence;
    let next = from;
    this.#run(() => {
      const messages = log.outlines(next, STEP);
      for (const { sequence, subject } of messages) {
        if (sequence > last) return true;
        next = sequence + 1;
        if (!needs(sequence, subject)) log.remove(sequence);
      }
      return messages.length < STEP;
    });
  }

  #trimSubjects(config: StreamConfig): void {
    let after = 0;
    this.#run(() => {
      const crowded = this.#log.subjects.above(config.max_msgs_per_subject, after, STEP);
      let left = STEP;
      for (const { id, subject } of crowded) {
        const entry = this.#log.subjects.find(subject);
        if (entry === undefined) continue;
        const before = entry.messages;
        if (!enforceSubjectLimit(this.#log, config, entry, left)) return false;
        left -= before - entry.messages;
        after = id;
      }
      return crowded.length < STEP;
    });
  }

  /** The first step at once. */
  #run(step: () => boolean): void {
    if (!step()) this.#steps.run(() => this.#closed || step());
  }
}
