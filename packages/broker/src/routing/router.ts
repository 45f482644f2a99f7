/**
 * Who gets a published message. Holds the subscriptions and nothing of sockets or time; the random pick within a
 * queue group is passed in. Connections and in-process clients are the same to it.
 *
 * Hot path: publishing allocates nothing when the subject has been seen before.
 */
import { InterestWatch } from './interest-watch.ts';
import type { Message } from './message.ts';
import { type Match, type Members, Sublist } from './sublist.ts';
import { type Subscriber, Subscription } from './subscription.ts';

/** What `publishPatiently` returns when the message has to wait. */
export const SATURATED = -1;

export class Router {
  readonly #sublist = new Sublist();
  readonly #watch = new InterestWatch();
  readonly #random: () => number;
  /** Subscriptions that ended while a publish was walking the lists; removed after it. */
  readonly #ended: Subscription[] = [];
  #publishing = 0;

  /** @param random uniform in [0, 1); default `Math.random`. */
  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  get subscriptions(): number {
    return this.#sublist.size - this.#ended.length;
  }

  /** The subject must be valid for SUB; see `isSubscribable`. */
  subscribe(subscriber: Subscriber, subject: string, queue: string, sid: string): Subscription {
    const subscription = new Subscription(subscriber, subject, queue, sid);
    this.#sublist.insert(subscription);
    this.#watch.subscribed(subscription);
    return subscription;
  }

  /** Ends a subscription once `max` messages have been delivered in all; at once for 0 or when they already were. */
  limit(subscription: Subscription, max: number): void {
    if (max > subscription.delivered) {
      subscription.max = max;
      return;
    }
    this.unsubscribe(subscription);
    subscription.subscriber.expired(subscription);
  }

  unsubscribe(subscription: Subscription): void {
    if (subscription.closed) return;
    subscription.closed = true;
    if (this.#publishing > 0) this.#ended.push(subscription);
    else this.#sublist.remove(subscription);
    this.#watch.unsubscribed(subscription);
  }

  /**
   * Tells whether anyone is subscribed to exactly this subject and queue group (empty for plain subscriptions): now,
   * and whenever that changes. Subscriptions with wildcards do not count, as in nats-server 2.9.
   *
   * @returns what ends the watch.
   */
  watch(subject: string, queue: string, listener: (interested: boolean) => void): () => void {
    return this.#watch.add(subject, queue, this.#sublist.members(subject, queue), listener);
  }

  hasInterest(subject: string): boolean {
    const { plain, groups } = this.#sublist.match(subject);
    const isLive = (members: Members): boolean => members.some((member) => !member.closed);
    return plain.some(isLive) || groups.some((group) => group.some(isLive));
  }

  /**
   * Delivers to every plain subscription and to one member of each queue group that matches `to`, which is the
   * message's own subject unless it is routed elsewhere (as a stream routes a stored message to an inbox).
   *
   * @returns how many took it.
   */
  publish(origin: Subscriber, message: Message, to: string = message.subject): number {
    return this.#deliver(origin, message, this.#sublist.match(to));
  }

  /** The same for a message whose subject comes once, such as the reply subject of a request: cheaper for those. */
  answer(origin: Subscriber, message: Message): number {
    return this.#deliver(origin, message, this.#sublist.find(message.subject));
  }

  #deliver(origin: Subscriber, message: Message, { plain, groups }: Match): number {
    let taken = 0;
    this.#publishing++;
    for (let i = 0; i < plain.length; i++) {
      const members = plain[i]!;
      // Backwards: members that join during the walk are appended and do not see this message.
      for (let j = members.length - 1; j >= 0; j--) {
        if (this.#offer(members[j]!, origin, message)) taken++;
      }
    }
    for (let i = 0; i < groups.length; i++) {
      if (this.#offerToOne(groups[i]!, origin, message)) taken++;
    }
    if (--this.#publishing === 0 && this.#ended.length > 0) this.#removeEnded();
    return taken;
  }

  /**
   * Like `publish`, for a message that its sender has stored: when a plain subscriber is saturated, or all members of
   * a queue group are, then nobody gets it and `relieved` is called once there is room.
   *
   * @returns how many took it, or `SATURATED`.
   */
  publishPatiently(origin: Subscriber, message: Message, to: string, relieved: () => void): number {
    const { plain, groups } = this.#sublist.match(to);
    for (let i = 0; i < plain.length; i++) {
      const members = plain[i]!;
      for (let j = 0; j < members.length; j++) {
        if (!isSaturated(members[j]!)) continue;
        members[j]!.subscriber.backlog!.whenRelieved(relieved);
        return SATURATED;
      }
    }
    for (let i = 0; i < groups.length; i++) {
      if (hasRoom(groups[i]!)) continue;
      for (const members of groups[i]!) {
        for (const member of members) member.subscriber.backlog?.whenRelieved(relieved);
      }
      return SATURATED;
    }
    return this.publish(origin, message, to);
  }

  /** A plain subscription of this very subscriber that matches: where a "no responders" answer goes. */
  ownPlain(subscriber: Subscriber, subject: string): Subscription | undefined {
    for (const members of this.#sublist.match(subject).plain) {
      for (const member of members) {
        if (member.subscriber === subscriber && !member.closed) return member;
      }
    }
    return undefined;
  }

  #offer(subscription: Subscription, origin: Subscriber, message: Message): boolean {
    const subscriber = subscription.subscriber;
    if (subscription.closed || (subscriber === origin && !subscriber.echo)) return false;
    if (!subscriber.deliver(subscription, message)) return false;
    subscription.delivered++;
    if (subscription.max > 0 && subscription.delivered >= subscription.max && !subscription.closed) {
      this.unsubscribe(subscription);
      subscriber.expired(subscription);
    }
    return true;
  }

  /**
   * A random member; if it cannot take the message, those after it in turn. One that is saturated comes last: another
   * can do the work meanwhile.
   */
  #offerToOne(group: readonly Members[], origin: Subscriber, message: Message): boolean {
    let size = 0;
    for (let i = 0; i < group.length; i++) size += group[i]!.length;
    let list = 0;
    let index = size === 1 ? 0 : Math.floor(this.#random() * size);
    while (index >= group[list]!.length) index -= group[list++]!.length;
    for (let tried = 0; tried < 2 * size; tried++) {
      const member = group[list]![index]!;
      if ((tried >= size || !isSaturated(member)) && this.#offer(member, origin, message)) return true;
      if (++index === group[list]!.length) {
        index = 0;
        do list = (list + 1) % group.length;
        while (group[list]!.length === 0);
      }
    }
    return false;
  }

  #removeEnded(): void {
    for (const subscription of this.#ended) this.#sublist.remove(subscription);
    this.#ended.length = 0;
  }
}

function isSaturated(subscription: Subscription): boolean {
  return !subscription.closed && subscription.subscriber.backlog?.saturated === true;
}

function hasRoom(group: readonly Members[]): boolean {
  return group.some((members) => members.some((member) => !isSaturated(member)));
}
