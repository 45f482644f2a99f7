/** What a handler knows about the call it handles. */

import type { Contract } from '../contract/contract.ts';
import type { EndUser, IncomingCall, Peer } from '../rpc/channel.ts';
import type { CallScope, Client } from '../rpc/client.ts';
import type { Database } from '../store/database.ts';
import type { Logger } from '../telemetry/log.ts';
import type { Span } from '../telemetry/span.ts';
import { traced } from '../telemetry/traced-log.ts';
import type { Tracer } from '../telemetry/tracer.ts';

export type Uses = Readonly<Record<string, Contract>>;
export type Clients<U extends Uses> = { readonly [K in keyof U]: Client<U[K]> };

/** What a running service has, whoever calls. */
export interface ServiceRuntime<Config, U extends Uses> {
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

/** A runtime with what makes clients for one call. */
export interface HostRuntime<Config, U extends Uses, State> extends ServiceRuntime<Config, U> {
  readonly state: State;
  scopedClients(scope: CallScope): Clients<U>;
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
  replayed(): void {
    this.isReplay = true;
  }
}
