/**
 * A channel whose calls may be delayed, failed, or take the connection with them. While no fault is about it, each call
 * costs one test more.
 */
import type { FlotillaError } from '../errors/flotilla-error.ts';
import type {
  CallOptions,
  CallReceiver,
  CallResult,
  Channel,
  ChannelState,
  Peer,
  SentCall,
} from '../rpc/channel.ts';
import { PromisedResult } from '../rpc/promised-result.ts';
import { neverExecuted, perhapsExecuted } from '../rpc/wire-errors.ts';
import type { Fault } from './fault.ts';
import { hitsEdge } from './fault-book.ts';
import type { FaultInjector, FaultSite } from './fault-injector.ts';
import type { FaultyLinks } from './faulty-links.ts';
import { hitsCalls, type Injection, injectedError, planInjection, type ResetFault } from './injection.ts';
import { type GaveUp, type HeldCall, LatencyGate, type Waiter } from './latency-gate.ts';

const NO_OPTIONS: CallOptions = {};

export class FaultyChannel implements Channel, FaultSite {
  readonly gate = new LatencyGate();
  readonly #inner: Channel;
  readonly #links: FaultyLinks;
  readonly #injector: FaultInjector;
  /** What is decided call by call; undefined for nothing. */
  #faults: readonly Fault[] | undefined;

  constructor(inner: Channel, links: FaultyLinks, injector: FaultInjector) {
    this.#inner = inner;
    this.#links = links;
    this.#injector = injector;
    const detach = injector.attach(this);
    inner.onClose(() => {
      detach();
      this.#faults = undefined;
      this.gate.close();
    });
  }

  faultsChanged(active: readonly Fault[]): void {
    const mine = active.filter(
      (fault) => hitsCalls(fault) && hitsEdge(fault, this.#injector.identity, this.peer),
    );
    this.#faults = mine.length === 0 ? undefined : mine;
    this.gate.keep(mine);
  }

  get peer(): Peer {
    return this.#inner.peer;
  }

  get inFlight(): number {
    return this.#inner.inFlight + this.gate.size;
  }

  get state(): ChannelState {
    return this.#inner.state;
  }

  get stalled(): boolean {
    return this.#inner.stalled;
  }

  call(operation: string, payload: Uint8Array, options: CallOptions = NO_OPTIONS): Promise<CallResult> {
    const plan = this.#faults === undefined ? undefined : this.#plan(operation, options);
    if (plan === undefined) return this.#inner.call(operation, payload, options);
    const result = new PromisedResult();
    new InjectedCall(this, plan, operation, options, result, (left) =>
      this.#inner.send(operation, payload, left, result),
    );
    return result.promise;
  }

  send(operation: string, payload: Uint8Array, options: CallOptions, receiver: CallReceiver): SentCall {
    const plan = this.#faults === undefined ? undefined : this.#plan(operation, options);
    if (plan === undefined) return this.#inner.send(operation, payload, options, receiver);
    return new InjectedCall(this, plan, operation, options, receiver, (left) =>
      this.#inner.send(operation, payload, left, receiver),
    );
  }

  stream(
    operation: string,
    payload: Uint8Array,
    options: CallOptions = NO_OPTIONS,
  ): AsyncIterableIterator<Buffer> {
    const plan = this.#faults === undefined ? undefined : this.#plan(operation, options);
    if (plan === undefined) return this.#inner.stream(operation, payload, options);
    return new InjectedStream(this, plan, operation, options, (left) =>
      this.#inner.stream(operation, payload, left),
    );
  }

  onClose(listener: (reason: FlotillaError | undefined) => void): void {
    this.#inner.onClose(listener);
  }

  onDrain(listener: () => void): void {
    this.#inner.onDrain(listener);
  }

  onStall(listener: (stalled: boolean) => void): void {
    this.#inner.onStall(listener);
  }

  close(): void {
    this.#inner.close();
  }

  /** Cuts the connection, once what was just written has left. */
  cutSoon(fault: ResetFault): void {
    setImmediate(() => this.#links.cut(fault));
  }

  /** What happens to a call. One that the channel would refuse is left to it to refuse. */
  #plan(operation: string, { deadlineMs, signal, trace }: CallOptions): Injection | undefined {
    const refused =
      this.#inner.state !== 'open' || signal?.aborted || (deadlineMs !== undefined && !(deadlineMs > 0));
    if (refused) return undefined;
    const plan = planInjection(this.#faults!, operation, this.#injector.random);
    if (plan === undefined) return undefined;
    for (const { fault } of plan.delays) this.#injector.hit(fault, trace);
    if (plan.end?.kind === 'error') this.#injector.hit(plan.end, trace);
    return plan;
  }
}

/** The part that calls and streams have in common: wait, then go, fail, or go and be cut off. */
abstract class Injected implements Waiter {
  readonly #channel: FaultyChannel;
  readonly #plan: Injection;
  readonly #operation: string;
  readonly #options: CallOptions;
  #held: HeldCall | undefined;

  constructor(channel: FaultyChannel, plan: Injection, operation: string, options: CallOptions) {
    this.#channel = channel;
    this.#plan = plan;
    this.#operation = operation;
    this.#options = options;
  }

  protected abstract go(options: CallOptions): void;
  protected abstract fail(error: FlotillaError): void;

  /** To be called once, when the rest is constructed. */
  protected begin(): void {
    this.#held = this.#channel.gate.hold(this.#plan.delays, this.#options, this);
  }

  protected giveUp(): void {
    this.#held?.cancel();
  }

  passed(waitedMs: number): void {
    const { end } = this.#plan;
    if (end?.kind === 'error') {
      this.fail(injectedError(end, `${this.#operation} at ${this.#channel.peer.instance}`));
      return;
    }
    const { deadlineMs } = this.#options;
    const left = deadlineMs === undefined ? undefined : deadlineMs - waitedMs;
    if (left !== undefined && left <= 0) {
      this.gaveUp('deadline');
      return;
    }
    this.go(left === undefined ? this.#options : { ...this.#options, deadlineMs: left });
    if (end?.kind === 'reset') this.#channel.cutSoon(end);
  }

  gaveUp(why: GaveUp): void {
    const operation = this.#operation;
    if (why === 'deadline') {
      this.fail(perhapsExecuted('deadline_exceeded', `${operation} was not answered within its deadline`));
    } else if (why === 'cancelled') {
      const reason: unknown = this.#options.signal?.reason;
      this.fail(perhapsExecuted('cancelled', `${operation} was cancelled by its caller`, reason));
    } else {
      const { instance } = this.#channel.peer;
      this.fail(neverExecuted('unavailable', `${operation} lost its connection to ${instance}`));
    }
  }
}

class InjectedCall extends Injected implements SentCall {
  readonly #receiver: CallReceiver;
  readonly #send: (options: CallOptions) => SentCall;
  #sent: SentCall | undefined;

  constructor(
    channel: FaultyChannel,
    plan: Injection,
    operation: string,
    options: CallOptions,
    receiver: CallReceiver,
    send: (options: CallOptions) => SentCall,
  ) {
    super(channel, plan, operation, options);
    this.#receiver = receiver;
    this.#send = send;
    this.begin();
  }

  cancel(): void {
    this.giveUp();
    this.#sent?.cancel();
  }

  protected override go(options: CallOptions): void {
    try {
      this.#sent = this.#send(options);
    } catch (error) {
      this.#receiver.failed(error as FlotillaError);
    }
  }

  protected override fail(error: FlotillaError): void {
    this.#receiver.failed(error);
  }
}

/** Either of the two; a promise that rejects would have to have a reader. */
interface Opened {
  readonly items?: AsyncIterableIterator<Buffer>;
  readonly error?: FlotillaError;
}

class InjectedStream extends Injected implements AsyncIterableIterator<Buffer> {
  readonly #open: (options: CallOptions) => AsyncIterableIterator<Buffer>;
  readonly #opened = Promise.withResolvers<Opened>();
  #ended = false;

  constructor(
    channel: FaultyChannel,
    plan: Injection,
    operation: string,
    options: CallOptions,
    open: (options: CallOptions) => AsyncIterableIterator<Buffer>,
  ) {
    super(channel, plan, operation, options);
    this.#open = open;
    this.begin();
  }

  async next(): Promise<IteratorResult<Buffer>> {
    if (this.#ended) return { value: undefined, done: true };
    const { items, error } = await this.#opened.promise;
    if (items) return items.next();
    // An error is told once; after it, the stream has simply ended.
    this.#ended = true;
    throw error;
  }

  async return(): Promise<IteratorResult<Buffer>> {
    this.#ended = true;
    this.giveUp();
    this.#opened.resolve({ items: emptyStream });
    await (await this.#opened.promise).items?.return?.();
    return { value: undefined, done: true };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  protected override go(options: CallOptions): void {
    this.#opened.resolve({ items: this.#open(options) });
  }

  protected override fail(error: FlotillaError): void {
    this.#opened.resolve({ error });
  }
}

/** What a stream is that was given up before it began. */
const emptyStream: AsyncIterableIterator<Buffer> = {
  next: () => Promise.resolve({ value: undefined, done: true }),
  [Symbol.asyncIterator]: () => emptyStream,
};
