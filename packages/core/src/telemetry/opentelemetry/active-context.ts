/** Keeps the active OpenTelemetry context, and with it the active span, across asynchronous steps. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { type Context, type ContextManager, ROOT_CONTEXT, trace } from '@opentelemetry/api';
import type { Span } from '../span.ts';
import type { TraceContext } from '../trace-context.ts';
import type { ActiveSpans, Tracer } from '../tracer.ts';
import { bindEmitter } from './bound-emitter.ts';
import { SpanAdapter, toTraceContext } from './span-adapter.ts';

export class ActiveContext implements ContextManager, ActiveSpans {
  readonly #tracer: Tracer;
  readonly #storage = new AsyncLocalStorage<Context>();

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  run<A, B, R>(span: Span, work: (a: A, b: B) => R, a: A, b: B): R {
    const context = trace.setSpan(this.active(), new SpanAdapter(this.#tracer, span));
    return this.#storage.run(context, work, a, b);
  }

  current(): Span | TraceContext | undefined {
    const context = this.#storage.getStore();
    const span = context && trace.getSpan(context);
    if (span === undefined) return undefined;
    return span instanceof SpanAdapter ? span.span : toTraceContext(span.spanContext());
  }

  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }

  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    work: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(context, () => work.apply(thisArg as ThisParameterType<F>, args));
  }

  /** A function that always runs in that context; an emitter gets its listeners bound, from now on. */
  bind<T>(context: Context, target: T): T {
    if (target instanceof EventEmitter)
      return bindEmitter(target, (listener) => this.bind(context, listener));
    if (typeof target !== 'function') return target;
    const storage = this.#storage;
    const bound = function (this: unknown, ...args: unknown[]): unknown {
      return storage.run(context, () => target.apply(this, args));
    };
    Object.defineProperty(bound, 'length', { configurable: true, value: target.length });
    return bound as T;
  }

  enable(): this {
    return this;
  }

  disable(): this {
    this.#storage.disable();
    return this;
  }
}
