/** What a handler knows about the call it handles. */

import type { Contract, ContractEvent } from '../contract/contract.ts';
import type { InputOf, OutputOf, Schema } from '../contract/schema.ts';
import type { Transaction } from '../messaging/durable/transaction.ts';
import type { Progress } from '../messaging/handling/progress.ts';
import type { Published, PublishOptions, StreamEnd } from '../messaging/publishing/event-publisher.ts';
import type { EndUser, IncomingCall, Peer } from '../rpc/channel.ts';
import type { CallScope, Client } from '../rpc/client.ts';
import type { Database } from '../store/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Span } from '../telemetry/span.ts';
import { traced } from '../telemetry/traced-log.ts';
import type { Tracer } from '../telemetry/tracer.ts';
import type { Speaker } from './speaker.ts';

export type Uses = Readonly<Record<string, Contract>>;
export type Clients<U extends Uses> = { readonly [K in keyof U]: Client<U[K]> };

/** How a service says what has happened. Its own events, and those of the contracts that it `uses`. */
export interface Speaks {
  /**
   * Publishes an event, at least once: resolves when its stream has it durably, and is repeated under the same id until then.
   *
   * @throws FlotillaError `invalid_argument` naming the field at fault; at the deadline `unavailable` or `deadline_exceeded`;
   * `resource_exhausted` when the stream is full, `overloaded` when too many messages wait, `payload_too_large`.
   */
  publish<P extends Schema>(
    event: ContractEvent<P>,
    payload: InputOf<P>,
    options?: PublishOptions,
  ): Promise<Published>;
  /**
   * Sends an event to those who listen now, at most once.
   *
   * @throws FlotillaError `invalid_argument` naming the field at fault.
   */
  emit<P extends Schema>(event: ContractEvent<P>, payload: InputOf<P>): void;
  /**
   * How the stream of an event ends, for a publisher that goes on from there (`expectedLast`). The stream is made where it is
   * missing.
   *
   * @throws FlotillaError `unavailable` while the broker is away.
   */
  streamEnd<P extends Schema>(event: ContractEvent<P>): Promise<StreamEnd<OutputOf<P>>>;
  /**
   * Runs synchronous `work` in the service's database transaction, and resolves once it is on disk. What it publishes is sent
   * if it commits, and not otherwise.
   */
  transaction<T>(work: (tx: Transaction) => T): Promise<T>;
  /**
   * How far a group of this service has come with the events of a contract, and waiting for it: for reads that contain what the
   * reader did just before. Known once the subscriptions run.
   *
   * @throws FlotillaError `not_found` when no subscription of that group follows these events in order.
   */
  progress(group: string, contract: Contract): Progress;
}

/** What a running service has, whoever calls. */
export interface ServiceRuntime<Config, U extends Uses> extends Speaks {
  readonly service: string;
  readonly instance: string;
  readonly config: Config;
  /** Clients for work that no caller waits for. Inside a handler use those of the context: they carry its deadline. */
  readonly clients: Clients<U>;
  readonly database: Database;
  readonly log: Logger;
  /** For spans of the service's own: `tracer.start('reprice', 'internal', context.trace)`. */
  readonly tracer: Tracer;
  /** Aborts when the service begins to stop. */
  readonly signal: AbortSignal;
  /**
   * Ends the process, for a service that cannot keep its promises any more (memory and disk disagree, a journal is
   * damaged): the supervisor starts it again from the disk, and tells why it ended.
   */
  fatal(error: unknown): void;
}

/** What a handler gets beside its input. */
export interface Context<Config = unknown, U extends Uses = Uses, State = unknown>
  extends ServiceRuntime<Config, U>,
    CallScope {
  /** What `start` returned. */
  readonly state: State;
  /** The service that calls. */
  readonly caller: Peer;
  /** The end user on whose behalf it calls, verified at the edge. */
  readonly user: EndUser | undefined;
  /** The span of this call: attributes set on it show in the trace. Calls made through `clients` are its children. */
  readonly trace: Span;
  /** Its lines carry the ids of the trace. */
  readonly log: Logger;
  /** Names the call, so that a repetition can be recognised. */
  readonly idempotencyKey: string | undefined;
  /** Aborts when the caller gives up, the deadline passes, or, for streams, the service stops. */
  readonly signal: AbortSignal;
  /** Says that the result is that of an earlier identical call; at an HTTP edge it may have a status of its own. */
  replayed(): void;
}

/** A runtime with what makes the parts of a context for one call. */
export interface HostRuntime<Config, U extends Uses, State> extends ServiceRuntime<Config, U> {
  readonly state: State;
  scopedClients(scope: CallScope): Clients<U>;
  readonly speaker: Speaker;
}

/** One object per call; what is not asked for is not made. */
export class CallContext<Config, U extends Uses, State> implements Context<Config, U, State> {
  readonly #runtime: HostRuntime<Config, U, State>;
  readonly #call: IncomingCall;
  readonly #stopping: AbortSignal | undefined;
  readonly trace: Span;
  #log: Logger | undefined;
  #clients: Clients<U> | undefined;
  #signal: AbortSignal | undefined;
  isReplay = false;

  /** @param stopping ends the call with the service; given for streams. */
  constructor(
    runtime: HostRuntime<Config, U, State>,
    call: IncomingCall,
    trace: Span,
    stopping?: AbortSignal,
  ) {
    this.#runtime = runtime;
    this.#call = call;
    this.trace = trace;
    this.#stopping = stopping;
  }

  get service(): string {
    return this.#runtime.service;
  }
  get instance(): string {
    return this.#runtime.instance;
  }
  get config(): Config {
    return this.#runtime.config;
  }
  get database(): Database {
    return this.#runtime.database;
  }
  get log(): Logger {
    this.#log ??= traced(this.#runtime.log, this.trace);
    return this.#log;
  }
  get tracer(): Tracer {
    return this.#runtime.tracer;
  }
  get state(): State {
    return this.#runtime.state;
  }
  get caller(): Peer {
    return this.#call.peer;
  }
  get user(): EndUser | undefined {
    return this.#call.user;
  }
  get idempotencyKey(): string | undefined {
    return this.#call.idempotencyKey;
  }
  get clients(): Clients<U> {
    this.#clients ??= this.#runtime.scopedClients(this);
    return this.#clients;
  }
  get signal(): AbortSignal {
    this.#signal ??= this.#stopping
      ? AbortSignal.any([this.#call.signal, this.#stopping])
      : this.#call.signal;
    return this.#signal;
  }
  /** Why the handler has been told to stop; undefined while it has not, and where it does not listen. */
  get abortReason(): unknown {
    return this.#signal?.aborted ? this.#signal.reason : undefined;
  }
  fatal(error: unknown): void {
    this.#runtime.fatal(error);
  }
  remainingMs(): number | undefined {
    return this.#call.remainingMs();
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
    return (work) => this.#runtime.speaker.transaction(work, this, this.signal);
  }
  get progress(): Speaks['progress'] {
    return this.#runtime.progress;
  }
  replayed(): void {
    this.isReplay = true;
  }
}
