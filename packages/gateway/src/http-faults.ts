/**
 * Faults on the gateway itself, injected where its clients meet it. While there is none, each request costs one test more.
 * Faults on the edges from the gateway to services are injected where it calls them.
 */
import {
  type Fault,
  type FaultInjector,
  type FaultSite,
  type FlotillaError,
  hitsCalls,
  hitsProcess,
  type Injection,
  injectedError,
  LatencyGate,
  planInjection,
} from 'flotilla';
import type { DataPlane, ExchangeHandler, HttpExchange, HttpResponse } from './data-plane/data-plane.ts';

/** What this needs of the handler behind it. */
export interface RejectingHandler extends ExchangeHandler {
  reject(exchange: HttpExchange, error: FlotillaError): void;
}

export class HttpFaults implements ExchangeHandler, FaultSite {
  readonly #inner: RejectingHandler;
  readonly #injector: FaultInjector;
  readonly #gate = new LatencyGate();
  #plane: Pick<DataPlane, 'hold' | 'cutAll'> | undefined;
  #detach: (() => void) | undefined;
  /** What is decided request by request; undefined for nothing. */
  #faults: readonly Fault[] | undefined;
  #blackhole: Fault | undefined;
  #reset: Fault | undefined;
  /** Requests that came into the black hole, and wait there for its end. */
  readonly #swallowed = new Set<HttpExchange>();

  constructor(inner: RejectingHandler, injector: FaultInjector) {
    this.#inner = inner;
    this.#injector = injector;
  }

  attach(plane: Pick<DataPlane, 'hold' | 'cutAll'>): void {
    this.#plane = plane;
    this.#detach = this.#injector.attach(this);
  }

  detach(): void {
    this.#detach?.();
    this.faultsChanged([]);
  }

  faultsChanged(active: readonly Fault[]): void {
    const mine = active.filter((fault) => hitsProcess(fault, this.#injector.identity));
    const blackhole = mine.find(({ kind }) => kind === 'blackhole');
    const reset = mine.find((fault) => fault.kind === 'reset' && !hitsCalls(fault));
    const perRequest = mine.filter(hitsCalls);
    const untouched = perRequest.length === 0 && blackhole === undefined && reset === undefined;
    this.#faults = untouched ? undefined : perRequest;
    this.#gate.keep(perRequest);
    if (reset !== undefined && reset !== this.#reset) {
      this.#injector.hit(reset);
      this.#plane?.cutAll();
    }
    this.#reset = reset;
    this.#blackhole = blackhole;
    this.#plane?.hold(blackhole !== undefined);
    if (blackhole === undefined) this.#giveBack();
  }

  handle(exchange: HttpExchange): void {
    if (this.#faults === undefined) this.#inner.handle(exchange);
    else this.#inject(this.#faults, exchange);
  }

  refuse(error: FlotillaError, remoteAddress: string): HttpResponse {
    return this.#inner.refuse(error, remoteAddress);
  }

  #inject(faults: readonly Fault[], exchange: HttpExchange): void {
    if (this.#reset) {
      this.#injector.hit(this.#reset);
      exchange.cut();
      return;
    }
    if (this.#blackhole) {
      this.#swallow(this.#blackhole, exchange);
      return;
    }
    const plan = planInjection(faults, undefined, this.#injector.random);
    if (plan === undefined) this.#inner.handle(exchange);
    else if (plan.delays.length === 0) this.#finish(plan, exchange);
    else this.#hold(plan, exchange);
  }

  #hold(plan: Injection, exchange: HttpExchange): void {
    for (const { fault } of plan.delays) this.#injector.hit(fault);
    const { signal } = exchange;
    if (signal.aborted) return;
    this.#gate.hold(plan.delays, { signal }, { passed: () => this.#finish(plan, exchange), gaveUp() {} });
  }

  #finish({ end }: Injection, exchange: HttpExchange): void {
    if (end === undefined) {
      this.#inner.handle(exchange);
      return;
    }
    this.#injector.hit(end);
    if (end.kind === 'reset') exchange.cut();
    else this.#inner.reject(exchange, injectedError(end, 'the gateway'));
  }

  #swallow(fault: Fault, exchange: HttpExchange): void {
    this.#injector.hit(fault);
    this.#swallowed.add(exchange);
    exchange.signal.addEventListener('abort', () => this.#swallowed.delete(exchange), { once: true });
  }

  /** What has waited in the network arrives after all. */
  #giveBack(): void {
    const swallowed = [...this.#swallowed];
    this.#swallowed.clear();
    for (const exchange of swallowed) this.handle(exchange);
  }
}
