/**
 * The subscriptions by which a stream sees what is published to its subjects. It takes messages as the router has
 * them, without a text or a slice of its own.
 */
import type { Message } from '../../routing/message.ts';
import type { Router } from '../../routing/router.ts';
import type { Subscriber, Subscription } from '../../routing/subscription.ts';

export class Capture implements Subscriber {
  readonly echo = false;
  readonly #router: Router;
  readonly #take: (message: Message) => void;
  readonly #subscriptions = new Map<string, Subscription>();

  constructor(router: Router, take: (message: Message) => void) {
    this.#router = router;
    this.#take = take;
  }

  /** Listens to exactly these subjects, given as wire text. */
  listen(subjects: readonly string[]): void {
    for (const [subject, subscription] of this.#subscriptions) {
      if (subjects.includes(subject)) continue;
      this.#router.unsubscribe(subscription);
      this.#subscriptions.delete(subject);
    }
    for (const subject of subjects) {
      if (this.#subscriptions.has(subject)) continue;
      this.#subscriptions.set(subject, this.#router.subscribe(this, subject, '', subject));
    }
  }

  deliver(_subscription: Subscription, message: Message): boolean {
    this.#take(message);
    return true;
  }

  expired(): void {}
}
