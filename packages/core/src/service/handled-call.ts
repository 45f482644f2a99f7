/**
 * One call on its way through the service: decode, validate, run the handler, validate its answer, encode. Each step
 * runs the next at once unless it has to wait.
 *
 * Hot path: without asynchronous schemas or handlers it runs in one go, with no promise.
 */
import { validate } from '../contract/schema.ts';
import { type FlotillaError, platformError, toFlotillaError } from '../errors/flotilla-error.ts';
import { invalidArgument } from '../errors/validation.ts';
import type { IncomingCall, Reply } from '../rpc/channel.ts';
import type { Logger } from '../telemetry/log.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import type { Admission, Waiting } from './admission.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { Refusal } from './admission-queue.ts';
import { CallContext, type HostRuntime, type Uses } from './context.ts';
import type { RefusalErrors } from './refusal.ts';
import type { Route } from './route.ts';

type Validated = Awaited<ReturnType<typeof validate>>;

/** What all calls of a service share. */
export interface CallEnvironment {
  readonly runtime: HostRuntime<unknown, Uses, unknown>;
  readonly admission: Admission;
  readonly admissionMetrics: AdmissionMetrics;
  readonly refusals: RefusalErrors;
  readonly log: Logger;
  /** Ends streams when the service stops. */
  readonly stopping: AbortSignal;
}

export class HandledCall implements Waiting {
  readonly #environment: CallEnvironment;
  readonly #route: Route;
  readonly #call: IncomingCall;
  readonly #reply: Reply;
  readonly #arrivedAt: number;
  #startedAt = 0;
  #context: CallContext<unknown, Uses, unknown> | undefined;

  constructor(environment: CallEnvironment, route: Route, call: IncomingCall, reply: Reply, now: number) {
    this.#environment = environment;
    this.#route = route;
    this.#call = call;
    this.#reply = reply;
    this.#arrivedAt = now;
  }

  get open(): boolean {
    return this.#reply.open;
  }

  begin(now: number): void {
    const { runtime, admission, admissionMetrics, stopping } = this.#environment;
    const { priority, streams, latency, input } = this.#route;
    this.#startedAt = now;
    if (now !== this.#arrivedAt) admissionMetrics.waited(priority, now - this.#arrivedAt);
    try {
      const refusal = refuse(this.#route, this.#call);
      if (refusal) {
        this.#fail(refusal);
        return;
      }
      this.#context = new CallContext(runtime, this.#call, streams ? stopping : undefined);
      const checked = validate(input, decode(this.#call.payload));
      if (checked instanceof Promise) this.#later(checked.then((result) => this.#handle(result)));
      else this.#handle(checked);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      // How long a stream stays open says nothing of the load: it is admitted, but does not hold its place.
      if (streams) admission.leave(latency, undefined, performance.now());
    }
  }

  turnAway(reason: Refusal | 'gone', now: number): void {
    const { admission, admissionMetrics, refusals } = this.#environment;
    const { priority } = this.#route;
    if (reason === 'gone') {
      this.#answerUnhandled(platformError('cancelled', 'the caller has gone'));
      return;
    }
    admissionMetrics.refused(priority, reason);
    this.#answerUnhandled(refusals.error(reason, admission.expectedWaitMs(priority, now)));
  }

  #answerUnhandled(error: FlotillaError): void {
    this.#route.metrics.refused(error.code);
    this.#reply.error(error);
  }

  #handle(input: Validated): void {
    if (input.issues) throw invalidArgument(input.issues);
    const result = this.#route.run(input.value, this.#context);
    if (this.#route.streams) this.#later(this.#pump(result as AsyncIterable<unknown>));
    else if (result instanceof Promise) this.#later(result.then((value) => this.#answer(value)));
    else this.#answer(result);
  }

  #answer(value: unknown): void {
    const output = validate(this.#route.output, value);
    if (output instanceof Promise) this.#later(output.then((result) => this.#send(result)));
    else this.#send(output);
  }

  #send(output: Validated): void {
    const payload = this.#encode(output);
    this.#finish('ok');
    this.#reply.value(payload, this.#context!.isReplay);
  }

  async #pump(items: AsyncIterable<unknown>): Promise<void> {
    const { signal } = this.#context!;
    const { output, sharedItems } = this.#route;
    for await (const item of items) {
      if (!this.#reply.open || signal.aborted) break;
      let payload = sharedItems.payloadOf(item);
      if (payload === undefined) {
        const checked = validate(output, item);
        payload = this.#encode(checked instanceof Promise ? await checked : checked);
        sharedItems.keep(item, payload);
      }
      const room = this.#reply.item(payload);
      if (room) await room;
    }
    if (signal.aborted) throw signal.reason;
    this.#finish('ok');
    this.#reply.end();
  }

  #encode(output: Validated): Buffer {
    if (!output.issues) return Buffer.from(JSON.stringify(output.value ?? null));
    throw platformError('internal', `${this.#route.id} produced an answer that breaks its contract`, {
      cause: invalidArgument(output.issues),
    });
  }

  #later(step: Promise<void>): void {
    this.#environment.admission.paused(performance.now());
    step.catch((thrown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    const error = answerable(thrown, this.#route);
    if (error.code === 'internal') {
      const { peer, trace } = this.#call;
      this.#environment.log.error('call failed', {
        operation: this.#route.id,
        caller: peer.instance,
        traceId: trace && traceIdOf(trace),
        error: thrown,
      });
    }
    this.#finish(error.code);
    this.#reply.error(error);
  }

  #finish(code: string): void {
    const { admission } = this.#environment;
    const { metrics, latency, streams } = this.#route;
    const now = performance.now();
    admission.paused(now);
    metrics.handled(code, now - this.#arrivedAt);
    // An error may have come before the work. A deadline tells at least that the work took so long.
    const tells = code === 'ok' || code === 'deadline_exceeded';
    if (!streams) admission.leave(latency, tells ? now - this.#startedAt : undefined, now);
  }
}

/** The gateway has checked the end user's rights; a service checks again what it can, and never trusts one hop alone. */
function refuse(route: Route, call: IncomingCall): FlotillaError | undefined {
  if (route.streams !== call.streaming) {
    return platformError(
      'invalid_argument',
      `${route.id} ${route.streams ? 'is' : 'is not'} a stream: call it as one`,
    );
  }
  const { access } = route;
  if (access.kind === 'scopes' && call.user) {
    const lacking = access.scopes.filter((scope) => !call.user!.scopes.includes(scope));
    if (lacking.length)
      return platformError('permission_denied', `${route.id} needs the scope ${lacking.join(', ')}`);
  }
  return undefined;
}

function decode(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString('utf8'));
  } catch (cause) {
    throw platformError('invalid_argument', `the input is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * What the caller is told. An error declared by this operation, or a platform error raised here, goes as it is. An
 * error that a dependency answered is not this service's answer: unless trying again may help, it becomes `internal`.
 */
function answerable(thrown: unknown, route: Route): FlotillaError {
  const error = toFlotillaError(thrown);
  const foreign = error.remote
    ? !error.retryable && error.code !== 'cancelled'
    : error.declared && !route.declared.has(error.code);
  return foreign ? toFlotillaError(undefined) : error;
}
