/**
 * Keeps a message from being handled twice where the handler takes a transaction: its id is written with the effects, and looked for
 * before the handler runs.
 */
import type { Durable } from '../durable/durable.ts';
import { noDatabase } from '../durable/durable.ts';
import type { Transaction } from '../durable/transaction.ts';
import type { GroupSettings } from '../subscription.ts';
import type { Attempt, AttemptEnvironment } from './attempt.ts';
import type { InHand } from './message.ts';

/** The transaction found the message handled: its effects are there, and this attempt has none. */
export class AlreadyHandled extends Error {
  override readonly name = 'AlreadyHandled';
}

export class InboxGate {
  readonly #settings: GroupSettings;
  readonly #durable: Durable | undefined;

  constructor(settings: GroupSettings, durable: Durable | undefined) {
    this.#settings = settings;
    this.#durable = durable;
    if (settings.inboxMs !== undefined) durable?.inbox.keep(settings.group, settings.inboxMs);
  }

  isHandled({ inboxId }: InHand): boolean {
    const { group, inboxMs } = this.#settings;
    return inboxMs !== undefined && (this.#durable?.inbox.has(group, inboxId) ?? false);
  }

  /** @param fence throws, inside of the transaction, when this instance may not write any more. */
  transactions(fence?: () => void): AttemptEnvironment['transaction'] {
    return async <T>(message: InHand, work: (tx: Transaction) => T, attempt: Attempt): Promise<T> => {
      const { group, inboxMs } = this.#settings;
      const durable = this.#durable;
      if (!durable) throw noDatabase('context.transaction');
      const marks = inboxMs !== undefined && !attempt.hasMark;
      const result = await durable.transaction(work, attempt, attempt.signal, () => {
        fence?.();
        if (marks && !durable.inbox.mark(group, message.inboxId)) throw new AlreadyHandled(message.type);
      });
      if (marks) attempt.hasMark = true;
      return result;
    };
  }
}
