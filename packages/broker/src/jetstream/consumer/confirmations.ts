/**
 * Answers to acknowledgements that asked for one (a double ack): sent when what they changed is on disk, all that came
 * in one turn together.
 */
import { Message } from '../../routing/message.ts';
import type { Router } from '../../routing/router.ts';
import type { Subscriber } from '../../routing/subscription.ts';
import type { Commits } from '../store/commits.ts';
import type { Progressing, ProgressWriter } from './progress-writer.ts';

const NO_BODY = Buffer.alloc(0);

export class Confirmations {
  readonly #commits: Commits;
  readonly #progress: ProgressWriter;
  readonly #router: Router;
  readonly #origin: Subscriber;
  readonly #writeAll = (): void => this.#write();
  #changed = new Set<Progressing>();
  #replies: string[] = [];

  constructor(commits: Commits, progress: ProgressWriter, router: Router, origin: Subscriber) {
    this.#commits = commits;
    this.#progress = progress;
    this.#router = router;
    this.#origin = origin;
  }

  add(consumer: Progressing, reply: string): void {
    if (this.#replies.push(reply) === 1) queueMicrotask(this.#writeAll);
    this.#changed.add(consumer);
  }

  #write(): void {
    const replies = this.#replies;
    const changed = this.#changed;
    this.#replies = [];
    this.#changed = new Set();
    for (const consumer of changed) this.#progress.flushOne(consumer);
    this.#commits.afterCommit(() => {
      for (const reply of replies) {
        this.#router.publish(this.#origin, Message.of(reply, '', undefined, NO_BODY));
      }
    });
  }
}
