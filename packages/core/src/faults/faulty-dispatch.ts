/**
 * The way of a call into a service, on which it may be delayed, failed, or take its connection with it. While no fault is
 * about the service, each call costs one test more.
 */

import { type FlotillaError, toFlotillaError } from '../errors/flotilla-error.ts';
import type { Dispatch, IncomingCall, Reply } from '../rpc/channel.ts';
import { connectionLost } from '../rpc/wire-errors.ts';
import type { Span } from '../telemetry/span.ts';
import type { Fault } from './fault.ts';
import { hitsProcess } from './fault-book.ts';
import type { FaultInjector, FaultSite } from './fault-injector.ts';
import type { FaultyLinks } from './faulty-links.ts';
import { hitsCalls, type Injection, injectedError, planInjection } from './injection.ts';
import { LatencyGate, type Waiter } from './latency-gate.ts';

export class FaultyDispatch implements FaultSite {
  readonly #inner: Dispatch;
  readonly #links: FaultyLinks;
  readonly #injector: FaultInjector;
  readonly #gate = new LatencyGate();
  #faults: readonly Fault[] | undefined;

  constructor(inner: Dispatch, links: FaultyLinks, injector: FaultInjector) {
    this.#inner = inner;
    this.#links = links;
    this.#injector = injector;
  }

  faultsChanged(active: readonly Fault[]): void {
    const mine = active.filter((fault) => hitsCalls(fault) && hitsProcess(fault, this.#injector.identity));
    this.#faults = mine.length === 0 ? undefined : mine;
    this.#gate.keep(mine);
  }

  readonly dispatch: Dispatch = (call, reply) => {
    if (this.#faults === undefined) this.#inner(call, reply);
    else this.#inject(this.#faults, call, reply);
  };

  #inject(faults: readonly Fault[], call: IncomingCall, reply: Reply): void {
    const plan = planInjection(faults, undefined, this.#injector.random);
    if (plan === undefined) {
      this.#inner(call, reply);
      return;
    }
    if (plan.delays.length === 0) {
      this.#finish(plan, call, reply);
      return;
    }
    const spans = plan.delays.map(({ fault }) => {
      this.#injector.hit(fault);
      return this.#injector.span(fault, call.trace);
    });
    const go = () => this.#finish(plan, call, reply);
    this.#gate.hold(plan.delays, { signal: call.signal }, new HeldDispatch(call, reply, spans, go));
  }

  /** What comes after the delays. */
  #finish({ end }: Injection, call: IncomingCall, reply: Reply): void {
    if (end === undefined) {
      try {
        this.#inner(call, reply);
      } catch (error) {
        reply.error(toFlotillaError(error));
      }
      return;
    }
    const error = injectedError(end, call.operation);
    if (end.kind === 'error') {
      this.#injector.hit(end);
      this.#injector.span(end, call.trace).fail(error.code).end();
    } else if (call.link) this.#links.cutOne(call.link, end);
    reply.error(error);
  }
}

class HeldDispatch implements Waiter {
  readonly #call: IncomingCall;
  readonly #reply: Reply;
  readonly #spans: readonly Span[];
  readonly #go: () => void;

  constructor(call: IncomingCall, reply: Reply, spans: readonly Span[], go: () => void) {
    this.#call = call;
    this.#reply = reply;
    this.#spans = spans;
    this.#go = go;
  }

  passed(): void {
    for (const span of this.#spans) span.end();
    this.#go();
  }

  gaveUp(): void {
    const error: FlotillaError = this.#call.signal.reason ?? connectionLost('the server has closed');
    for (const span of this.#spans) span.fail(error.code).end();
    this.#reply.error(error);
  }
}
