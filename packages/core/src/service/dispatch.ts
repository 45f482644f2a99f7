/**
 * The server side of a call: decode, validate, run the handler, validate its answer, encode. The same path serves the
 * wire and the admin port.
 *
 * Hot path: without asynchronous schemas or handlers it runs in one go, with no promise.
 */
import { contractInfo, describe } from '../contract/contract.ts';
import type { AccessDocument } from '../contract/document.ts';
import { isStream, type Schema, validate } from '../contract/schema.ts';
import { type FlotillaError, platformError, toFlotillaError } from '../errors/flotilla-error.ts';
import { invalidArgument } from '../errors/validation.ts';
import { contractOperation } from '../fleet/member.ts';
import type { Dispatch, IncomingCall, Reply } from '../rpc/channel.ts';
import type { Logger } from '../telemetry/log.ts';
import { traceIdOf } from '../telemetry/trace-context.ts';
import type { CallMetrics } from './call-metrics.ts';
import { CallContext, type HostRuntime, type Uses } from './context.ts';
import type { Service } from './service.ts';
import { SharedItems } from './shared-items.ts';

type Validated = Awaited<ReturnType<typeof validate>>;
type Run = (input: unknown, context: unknown) => unknown;

interface Route {
  readonly id: string;
  readonly input: Schema;
  readonly output: Schema;
  readonly streams: boolean;
  readonly sharedItems: SharedItems;
  readonly access: AccessDocument;
  readonly declared: ReadonlySet<string>;
  readonly run: Run;
}

export interface DispatchOptions {
  readonly service: Service;
  readonly runtime: HostRuntime<unknown, Uses, unknown>;
  readonly metrics: CallMetrics;
  readonly log: Logger;
  /** Ends streams when the service stops. */
  readonly stopping: AbortSignal;
}

export function createDispatch(options: DispatchOptions): Dispatch {
  const { service, runtime } = options;
  const { name } = contractInfo(service.contract);
  const routes = routesOf(service);
  const document = Buffer.from(JSON.stringify(describe(service.contract)));
  const describeId = `${name}.${contractOperation}`;

  return function dispatch(call: IncomingCall, reply: Reply): void {
    const route = routes.get(call.operation);
    if (route) {
      new HandledCall(options, route, call, reply).begin();
    } else if (call.operation === describeId) {
      reply.value(document);
    } else {
      const message = `${name} (${runtime.instance}) has no operation '${call.operation}'`;
      reply.error(platformError('unimplemented', message));
    }
  };
}

/** One call on its way through the steps; each step runs the next at once unless it has to wait. */
class HandledCall {
  readonly #options: DispatchOptions;
  readonly #route: Route;
  readonly #call: IncomingCall;
  readonly #reply: Reply;
  readonly #context: CallContext<unknown, Uses, unknown>;
  readonly #startedAt = performance.now();

  constructor(options: DispatchOptions, route: Route, call: IncomingCall, reply: Reply) {
    this.#options = options;
    this.#route = route;
    this.#call = call;
    this.#reply = reply;
    this.#context = new CallContext(options.runtime, call, route.streams ? options.stopping : undefined);
  }

  begin(): void {
    try {
      const refusal = refuse(this.#route, this.#call);
      if (refusal) {
        this.#fail(refusal);
        return;
      }
      const input = validate(this.#route.input, decode(this.#call.payload));
      if (input instanceof Promise) this.#later(input.then((result) => this.#handle(result)));
      else this.#handle(input);
    } catch (thrown) {
      this.#fail(thrown);
    }
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
    this.#reply.value(payload, this.#context.isReplay);
  }

  async #pump(items: AsyncIterable<unknown>): Promise<void> {
    const { signal } = this.#context;
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
    step.catch((thrown) => this.#fail(thrown));
  }

  #fail(thrown: unknown): void {
    const error = answerable(thrown, this.#route);
    if (error.code === 'internal') {
      const { peer, trace } = this.#call;
      this.#options.log.error('call failed', {
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
    this.#options.metrics.observe(this.#route.id, code, performance.now() - this.#startedAt);
  }
}

function routesOf(service: Service): Map<string, Route> {
  const { name, members } = contractInfo(service.contract);
  const { operations } = describe(service.contract);
  const routes = new Map<string, Route>();
  for (const [key, member] of Object.entries(members)) {
    if (member.kind !== 'operation') continue;
    const { output } = member;
    routes.set(`${name}.${key}`, {
      id: `${name}.${key}`,
      input: member.input,
      output: isStream(output) ? output.item : output,
      streams: isStream(output),
      sharedItems: new SharedItems(),
      access: operations[key]!.access,
      declared: new Set(Object.keys(member.errors)),
      run: (service.spec.operations as Record<string, Run>)[key]!,
    });
  }
  return routes;
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
