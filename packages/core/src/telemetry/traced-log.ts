/**
 * A logger whose lines carry the ids of a trace. One is made for every call that asks for its log, so it costs nothing
 * until the first line.
 */
import type { LogFields, Logger } from './log.ts';
import { spanIdOf, type TraceContext, traceIdOf } from './trace-context.ts';

/** `log` with `trace_id` and `span_id` on every line (the names of OpenTelemetry's log data model in JSON). */
export function traced(log: Logger, context: TraceContext): Logger {
  return new TracedLog(log, context);
}

class TracedLog implements Logger {
  readonly #log: Logger;
  readonly #context: TraceContext;
  #child: Logger | undefined;

  constructor(log: Logger, context: TraceContext) {
    this.#log = log;
    this.#context = context;
  }

  debug(message: string, fields?: LogFields): void {
    this.#made().debug(message, fields);
  }
  info(message: string, fields?: LogFields): void {
    this.#made().info(message, fields);
  }
  warn(message: string, fields?: LogFields): void {
    this.#made().warn(message, fields);
  }
  error(message: string, fields?: LogFields): void {
    this.#made().error(message, fields);
  }
  child(fields: LogFields): Logger {
    return this.#made().child(fields);
  }

  #made(): Logger {
    this.#child ??= this.#log.child({
      trace_id: traceIdOf(this.#context),
      span_id: spanIdOf(this.#context),
    });
    return this.#child;
  }
}
