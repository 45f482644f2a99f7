import type { Transaction } from '../messaging/durable/transaction.ts';
import type { AttemptScope } from '../messaging/handling/attempt.ts';
import type { Message } from '../messaging/handling/message.ts';
import type { CallScope } from '../rpc/client.ts';
import type { Database } from '../store/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Span } from '../telemetry/span.ts';
import { traced } from '../telemetry/traced-log.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import type { Clients, HostRuntime, ServiceRuntime, Speaks, Uses } from './context.ts';

/** What a handler gets beside the payload. */
export interface MessageContext<Config = unknown, U extends Uses = Record<never, never>, State = unknown>
  extends ServiceRuntime<Config, U> {
  /** What `start` returned. */
  readonly state: State;
  readonly message: Message;
  /** The span of this attempt, below that of the publisher. Calls made through `clients` are its children. */
  readonly trace: Span;
  /** Its lines carry the ids of the trace. */
  readonly log: Logger;
  /** Aborts when the time is up, when another instance has taken the message over, or when the service stops and cannot wait. */
  readonly signal: AbortSignal;
  /** Of the time that the subscription allows. */
  remainingMs(): number;
  /**
   * Runs synchronous `work` in the service's database transaction. The first one of a handling also writes that the message is
   * handled: once it has committed, the message is never handled again, also when the handler fails afterwards.
   */
  transaction<T>(work: (tx: Transaction) => T): Promise<T>;
}

/** What a handler gets that runs inside of the database transaction. */
export interface TransactionContext<Config = unknown, State = unknown> extends Transaction {
  readonly service: string;
  readonly instance: string;
  readonly config: Config;
  readonly state: State;
  readonly database: Database;
  readonly message: Message;
  readonly trace: Span;
  readonly log: Logger;
}

type AnyRuntime = HostRuntime<unknown, Uses, unknown>;

/** One object per attempt; what is not asked for is not made. */
export class HandlingContext implements MessageContext<unknown, Uses, unknown>, CallScope {
  readonly #runtime: AnyRuntime;
  readonly #scope: AttemptScope;
  #log: Logger | undefined;
  #clients: Clients<Uses> | undefined;

  constructor(runtime: AnyRuntime, scope: AttemptScope) {
    this.#runtime = runtime;
    this.#scope = scope;
  }

  get service(): string {
    return this.#runtime.service;
  }
  get instance(): string {
    return this.#runtime.instance;
  }
  get config(): unknown {
    return this.#runtime.config;
  }
  get database(): Database {
    return this.#runtime.database;
  }
  get tracer(): Tracer {
    return this.#runtime.tracer;
  }
  get state(): unknown {
    return this.#runtime.state;
  }
  get message(): Message {
    return this.#scope.message;
  }
  get trace(): Span {
    return this.#scope.trace;
  }
  get log(): Logger {
    this.#log ??= traced(this.#runtime.log, this.trace);
    return this.#log;
  }
  get clients(): Clients<Uses> {
    this.#clients ??= this.#runtime.scopedClients(this);
    return this.#clients;
  }
  get signal(): AbortSignal {
    return this.#scope.signal;
  }
  /** Nobody's: a message comes without an end user. */
  get user(): undefined {
    return undefined;
  }
  fatal(error: unknown): void {
    this.#runtime.fatal(error);
  }
  remainingMs(): number {
    return this.#scope.remainingMs();
  }
  // Functions and not methods: handlers take their context apart.
  get publish(): Speaks['publish'] {
    return (event, payload, options) => this.#runtime.speaker.publish(event, payload, options, this);
  }
  get emit(): Speaks['emit'] {
    return (event, payload) => this.#runtime.speaker.emit(event, payload, this);
  }
  get streamEnd(): Speaks['streamEnd'] {
    return this.#runtime.streamEnd;
  }
  get transaction(): Speaks['transaction'] {
    return (work) => this.#scope.transaction(work);
  }
  get progress(): Speaks['progress'] {
    return this.#runtime.progress;
  }
}
