/** Makes the tracer of a process the one behind `@opentelemetry/api`. */
import { context, propagation, trace } from '@opentelemetry/api';
import { platformError } from '../../errors/flotilla-error.ts';
import type { Tracer } from '../tracer.ts';
import { ActiveContext } from './active-context.ts';
import { W3CPropagator } from './propagator.ts';
import { FlotillaTracerProvider } from './tracer-provider.ts';

export interface OpenTelemetryRegistration extends Disposable {
  /** Takes everything back. Spans that run go on. */
  unregister(): void;
}

/**
 * Registers the tracer as the global tracer provider of `@opentelemetry/api`, with a context manager
 * (`AsyncLocalStorage`) and a propagator (W3C trace context and baggage). From then on the span of a handler is the
 * active one while it runs, and what instrumented libraries start in it is below it.
 *
 * @example
 * export default service(Ledger, {
 *   start: ({ tracer }) => registerOpenTelemetry(tracer),
 *   stop: (registration) => registration.unregister(),
 *   …
 * @throws `conflict` when the process has registered an OpenTelemetry SDK, or a tracer, before.
 */
export function registerOpenTelemetry(tracer: Tracer): OpenTelemetryRegistration {
  const contexts = new ActiveContext(tracer);
  const undo: (() => void)[] = [];
  const unregister = () => {
    for (const step of undo.splice(0).reverse()) step();
  };
  const register = (what: string, succeeded: boolean, disable: () => void) => {
    if (succeeded) {
      undo.push(disable);
      return;
    }
    unregister();
    throw platformError(
      'conflict',
      `this process has registered a ${what} for OpenTelemetry already: register one, either Flotilla's tracer or an SDK`,
    );
  };
  register('tracer provider', trace.setGlobalTracerProvider(new FlotillaTracerProvider(tracer)), () =>
    trace.disable(),
  );
  register('context manager', context.setGlobalContextManager(contexts), () => context.disable());
  register('propagator', propagation.setGlobalPropagator(new W3CPropagator()), () => propagation.disable());
  tracer.activeSpans = contexts;
  undo.push(() => {
    tracer.activeSpans = undefined;
  });
  return { unregister, [Symbol.dispose]: unregister };
}
