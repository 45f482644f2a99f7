/**
 * Says what a service says, for its contexts: with messages, where it has some, and with an error that helps where it has none.
 */
import { type Contract, type ContractEvent, contractInfo } from '../contract/contract.ts';
import { platformError } from '../errors/flotilla-error.ts';
import type { Transaction } from '../messaging/durable/transaction.ts';
import type { Progress } from '../messaging/handling/progress.ts';
import type { Messages } from '../messaging/messages.ts';
import type {
  Published,
  PublishOptions,
  PublishScope,
  StreamEnd,
} from '../messaging/publishing/event-publisher.ts';
import type { Database } from '../store/database.ts';

export interface SpeakerOptions {
  readonly service: string;
  /** Services whose events it may publish: its own, and those that it uses. */
  readonly families: ReadonlySet<string>;
  /** Undefined where neither it nor those that it uses have events, or where there is no broker. */
  readonly messages: Messages | undefined;
  readonly database: () => Database;
}

export class Speaker {
  readonly #options: SpeakerOptions;

  constructor(options: SpeakerOptions) {
    this.#options = options;
  }

  async publish(
    event: ContractEvent,
    payload: unknown,
    options: PublishOptions | undefined,
    scope: PublishScope | undefined,
  ): Promise<Published> {
    return this.#messagesFor(event).publish(event, payload, options, scope);
  }

  emit(event: ContractEvent, payload: unknown, scope: PublishScope | undefined): void {
    this.#messagesFor(event).emit(event, payload, scope);
  }

  async streamEnd(event: ContractEvent): Promise<StreamEnd> {
    return this.#messagesFor(event).streamEnd(event);
  }

  transaction<T>(
    work: (tx: Transaction) => T,
    scope: PublishScope | undefined,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    const { messages, database } = this.#options;
    if (messages) return messages.transaction(work, scope, signal);
    const tx: Transaction = {
      publish: (event) => {
        throw this.#silent(event);
      },
    };
    return database().write(() => work(tx), { signal });
  }

  progress(group: string, contract: Contract): Progress {
    const { messages, service } = this.#options;
    if (messages) return messages.progress(group, contractInfo(contract).name);
    throw platformError('unavailable', `${service} has no broker: it hears nothing`);
  }

  #messagesFor(event: ContractEvent): Messages {
    const { messages, families } = this.#options;
    if (messages && families.has(event.service)) return messages;
    throw this.#silent(event);
  }

  #silent({ id, service: family }: ContractEvent): Error {
    const { service, families } = this.#options;
    return families.has(family)
      ? platformError('unavailable', `${service} has no broker: ${id} cannot be published`, {
          data: { executed: 'no' },
        })
      : platformError(
          'internal',
          `${service} publishes ${id}, whose contract it does not use: add it to \`uses\` of the service`,
        );
  }
}
