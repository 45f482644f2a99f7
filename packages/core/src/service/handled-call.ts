/**
 * One call on its way through the service: decode, validate, run the handler, validate its answer, encode. Each step
 * runs the next at once unless it has to wait.
 *
 * For the caller and in the telemetry the call ends when it is answered or when nobody waits for it any more, whichever
 * is first; its handler may go on for a while, and keeps its place in the admission until it has finished.
 *
 * Hot path: without asynchronous schemas or handlers it runs in one go, with no promise.
 */
import { validate } from '../contract/schema.ts';
import { type FlotillaError, platformError } from '../errors/flotilla-error.ts';
import { invalidArgument } from '../errors/validation.ts';
import type { CallWatcher, IncomingCall, Reply } from '../rpc/channel.ts';
import type { Span } from '../telemetry/span.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { OperationLatency } from './adaptive-limit.ts';
import type { Admission, Holding, Overstay, Waiting } from './admission.ts';
import type { AdmissionMetrics } from './admission-metrics.ts';
import type { Refusal } from './admission-queue.ts';
import { answerable, isServerFault } from './answerable.ts';
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
  readonly telemetry: Telemetry;
  /** Ends streams when the service stops. */
  readonly stopping: AbortSignal;
}

const goneAway = Object.freeze(platformError('cancelled', 'the caller went away before the call had begun'));
const tooLate = Object.freeze(
  platformError('deadline_exceeded', 'the deadline passed before the call had begun', {
    data: { executed: 'no' },
  }),
);

export class HandledCall implements Waiting, Holding, CallWatcher {
  readonly #environment: CallEnvironment;
  readonly #route: Route;
  readonly #call: IncomingCall;
  readonly #reply: Reply;
  readonly #arrivedAt: number;
  #startedAt = 0;
  #span: Span | undefined;
  #context: CallContext<unknown, Uses, unknown> | undefined;
  /** Told to the caller, or to nobody: the call is over, whatever its handler still does. */
  #isOver = false;
  #holdsPlace = false;
  #overstay: Overstay | undefined;

  constructor(environment: CallEnvironment, route: Route, call: IncomingCall, reply: Reply, now: number) {
    this.#environment = environment;
    this.#route = route;
    this.#call = call;
    this.#reply = reply;
    this.#arrivedAt = now;
  }

  get operation(): OperationLatency {
    return this.#route.latency;
  }

  isWanted(now: number): boolean {
    return this.#reply.open && now < this.#call.due;
  }

  begin(now: number): void {
    const { admissionMetrics, runtime, stopping } = this.#environment;
    const { priority, streams, input, spans } = this.#route;
    this.#startedAt = now;
    this.#holdsPlace = true;
    const span = spans.start(this.#call.trace, this.#arrivedAt);
    this.#span = span;
    span.set('client.address', this.#call.peer.instance);
    if (now !== this.#arrivedAt) {
      span.event('admitted', undefined, now);
      admissionMetrics.waited(priority, now - this.#arrivedAt);
    }
    this.#call.watch(this);
    try {
      const refusal = refuse(this.#route, this.#call);
      if (refusal) {
        this.#fail(refusal);
        return;
      }
      this.#context = new CallContext(runtime, this.#call, span, streams ? stopping : undefined);
      const checked = validate(input, decode(this.#call.payload));
      if (checked instanceof Promise) this.#later(checked.then((result) => this.#handle(result)));
      else this.#handle(checked);
    } catch (thrown) {
      this.#fail(thrown);
    } finally {
      // How long a stream stays open says nothing of the load: it is admitted, but does not keep its place.
      if (streams) this.#leave(undefined, performance.now());
    }
  }

  /** Nobody waits any more. The handler is told by its signal, and goes on counting until it has finished. */
  abandoned(reason: FlotillaError): void {
    if (this.#isOver) return;
    const now = performance.now();
    // A connection that is lost is a caller that has gone.
    this.#conclude(reason.code === 'deadline_exceeded' ? reason.code : 'cancelled', now);
    if (this.#holdsPlace) this.#overstay = this.#environment.admission.overstays(this, now);
  }

  /** Called by the admission when the handler has held its place for too long after the call was over. */
  losePlace(now: number): void {
    this.#environment.telemetry.log.warn('a handler goes on long after its caller has gone', {
      operation: this.#route.id,
      seconds: Math.round((now - this.#startedAt) / 1000),
    });
    this.#leave(undefined, now);
  }

  turnAway(reason: Refusal | 'gone', now: number): void {
    const { admission, admissionMetrics, refusals } = this.#environment;
    const { priority } = this.#route;
    if (reason === 'gone') {
      const isLate = now >= this.#call.due;
      this.#answerUnhandled(isLate ? tooLate : goneAway);
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
    const { run, streams } = this.#route;
    const active = this.#environment.telemetry.tracer.activeSpans;
    const result = active
      ? active.run(this.#span!, run, input.value, this.#context)
      : run(input.value, this.#context);
    if (streams) this.#later(this.#pumpActive(result as AsyncIterable<unknown>));
    else if (result instanceof Promise) this.#later(result.then((value) => this.#answer(value)));
    else this.#answer(result);
  }

  /** A generator runs where its items are asked for. */
  #pumpActive(items: AsyncIterable<unknown>): Promise<void> {
    const active = this.#environment.telemetry.tracer.activeSpans;
    if (!active) return this.#pump(items);
    return active.run(this.#span!, (all: AsyncIterable<unknown>) => this.#pump(all), items, undefined);
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

  #fail(raised: unknown): void {
    const thrown = isAbortError(raised) ? (this.#context?.abortReason ?? raised) : raised;
    const error = answerable(thrown, this.#route.declared);
    if (error.code === 'internal' && !this.#isOver) {
      this.#context?.log.error('call failed', {
        operation: this.#route.id,
        caller: this.#call.peer.instance,
        error: thrown,
      });
    }
    this.#finish(error.code);
    this.#reply.error(error);
  }

  /** The handler has finished. */
  #finish(code: string): void {
    const now = performance.now();
    this.#environment.admission.paused(now);
    // An error may have come before the work. A deadline tells at least that the work took so long.
    const tells = code === 'ok' || code === 'deadline_exceeded' || this.#isOver;
    if (this.#isOver) this.#tellLate(code, now);
    else this.#conclude(now > this.#call.due ? 'deadline_exceeded' : code, now);
    this.#leave(tells ? now - this.#startedAt : undefined, now);
  }

  #conclude(code: string, now: number): void {
    this.#isOver = true;
    const { due } = this.#call;
    this.#route.metrics.handled(code, now - this.#arrivedAt);
    const span = this.#span!;
    if (isServerFault(code)) span.fail(code);
    else if (code !== 'ok') span.set('error.type', code);
    // A thread that was kept busy hears of a deadline late; the call was over then all the same.
    if (now > due) span.set('flotilla.late_ms', Math.round(now - due));
    span.end(Math.min(now, due));
  }

  #tellLate(code: string, now: number): void {
    this.#context?.log.debug('a handler finished after its caller had gone', {
      operation: this.#route.id,
      milliseconds: Math.round(now - this.#startedAt),
      code,
    });
  }

  #leave(latencyMs: number | undefined, now: number): void {
    if (!this.#holdsPlace) return;
    this.#holdsPlace = false;
    if (this.#overstay) this.#overstay.holder = undefined;
    this.#environment.admission.leave(this.#route.latency, latencyMs, now);
  }
}

/** What timers, events and streams of Node and many libraries throw when their signal aborts: the reason is the signal's. */
function isAbortError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === 'AbortError';
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
