/**
 * `flotilla/opentelemetry`: libraries instrumented with `@opentelemetry/api` (database drivers, HTTP clients, …) join the
 * traces of Flotilla. Their spans become spans of the tracer, recorded, kept and exported like all others.
 *
 * Loaded only by who imports it: `@opentelemetry/api` is an optional peer dependency, and keeping track of the active
 * span costs something on every asynchronous step.
 */
export { type OpenTelemetryRegistration, registerOpenTelemetry } from './register.ts';
