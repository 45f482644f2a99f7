/**
 * The gateway as a whole: a data plane in front, an upstream behind, and between them the current generation of the
 * route table. A generation is never changed, only replaced; requests and streams finish on the one they began with.
 */
import { type FaultInjector, type Logger, silentTelemetry, type Telemetry } from 'flotilla';
import { type KeyRing, remoteKeyRing, staticKeyRing } from './auth/key-ring.ts';
import { createTokenVerifier, type TokenVerifier } from './auth/token-verifier.ts';
import type { GatewayConfig } from './config.ts';
import type { CreateDataPlane } from './data-plane/data-plane.ts';
import { nodeHttpDataPlane } from './data-plane/node-http-data-plane.ts';
import { HttpFaults } from './http-faults.ts';
import { openApiDocument } from './openapi/document.ts';
import { type GatewayState, RequestHandler } from './request-handler.ts';
import { buildRouteTable, type RouteConflict, type RouteTable } from './routes.ts';
import type { Upstream } from './upstream.ts';

export interface GatewayOptions {
  readonly upstream: Upstream;
  readonly config: GatewayConfig;
  readonly log: Logger;
  /** Where requests are told of. Default: nowhere. */
  readonly telemetry?: Pick<Telemetry, 'tracer' | 'metrics'>;
  /** The faults of this process: those on the gateway itself are injected into its HTTP side. */
  readonly faults?: FaultInjector;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** 0 for any free port. */
  readonly port: number;
  /** Default: the one on `node:http`. */
  readonly dataPlane?: CreateDataPlane;
  /**
   * Whether to begin in the phase `starting`, in which an unknown route is `unavailable` and not `not_found`, until
   * `ready()` is called. Default false.
   */
  readonly starting?: boolean;
}

export interface Gateway {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** Routes that two operations claim, in the current generation. */
  readonly conflicts: readonly RouteConflict[];
  /** All routes that are to be expected are known. */
  ready(): void;
  /** Ends streams, accepts nothing new, waits at most `graceMs` for requests in progress, then closes. */
  drain(graceMs: number): Promise<void>;
  close(): Promise<void>;
}

/** The key operation gets this long, in milliseconds: requests are waiting for its answer. */
const keysDeadlineMs = 2_000;
const emptyInput = Buffer.from('{}');

/** @throws FlotillaError `conflict` when the port is taken, `invalid_argument` for an unusable key set. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { upstream, config, log, host = '127.0.0.1', port, dataPlane = nodeHttpDataPlane } = options;
  const { telemetry = silentTelemetry(), faults } = options;
  const state = new LiveState(upstream, log, options.starting ?? false);
  const verifier = await createVerifier(config, upstream, log);
  const handler = new RequestHandler({ upstream, config, verifier, state, log, telemetry });
  const faulty = faults && new HttpFaults(handler, faults);
  const plane = dataPlane(faulty ?? handler, config.limits);
  faulty?.attach(plane);
  const bound = await plane.listen({ host, port });
  return {
    ...bound,
    get conflicts() {
      return state.table.conflicts;
    },
    ready: () => state.enter('ready'),
    async drain(graceMs) {
      state.enter('draining');
      const drained = plane.drain(graceMs);
      handler.endStreams();
      await drained;
      faulty?.detach();
    },
    async close() {
      state.enter('draining');
      handler.endStreams();
      await plane.close();
      faulty?.detach();
    },
  };
}

/** The current generation. */
class LiveState implements GatewayState {
  table: RouteTable;
  phase: GatewayState['phase'];
  readonly #log: Logger;
  #openApi: Buffer | undefined;
  #reported = '';

  constructor(upstream: Upstream, log: Logger, starting: boolean) {
    this.#log = log;
    this.phase = starting ? 'starting' : 'ready';
    this.table = buildRouteTable(upstream.services());
    this.#report();
    upstream.onChange(() => {
      this.table = buildRouteTable(upstream.services());
      this.#openApi = undefined;
      this.#report();
    });
  }

  get router(): RouteTable['router'] {
    return this.table.router;
  }

  enter(phase: GatewayState['phase']): void {
    if (this.phase !== 'draining') this.phase = phase;
  }

  openApi(): Buffer {
    this.#openApi ??= Buffer.from(
      JSON.stringify(openApiDocument(this.table.routes, { title: 'Flotilla gateway', version: '1' })),
    );
    return this.#openApi;
  }

  /** Says each set of conflicts once, not at every new generation. */
  #report(): void {
    const told = JSON.stringify(this.table.conflicts);
    if (told === this.#reported) return;
    this.#reported = told;
    for (const { method, path, kept, dropped } of this.table.conflicts) {
      this.#log.warn('two operations claim the same route: give one of them another path', {
        route: `${method} ${path}`,
        kept,
        dropped,
      });
    }
  }
}

async function createVerifier(
  { auth }: GatewayConfig,
  upstream: Upstream,
  log: Logger,
): Promise<TokenVerifier | undefined> {
  if (!auth) return undefined;
  const { issuer, audience, keys } = auth;
  const ring: KeyRing = typeof keys === 'string' ? keysFrom(keys, upstream, log) : await staticKeyRing(keys);
  return createTokenVerifier({ issuer, audience, keys: ring, now: Date.now });
}

function keysFrom(operation: string, upstream: Upstream, log: Logger): KeyRing {
  const service = operation.slice(0, operation.indexOf('.'));
  return remoteKeyRing({
    now: () => performance.now(),
    async fetch() {
      const { payload } = await upstream.call(service, operation, emptyInput, {
        deadlineMs: keysDeadlineMs,
        idempotent: true,
      });
      return JSON.parse(payload.toString('utf8')) as unknown;
    },
    onError: (error) => log.warn('cannot get the keys that tokens are verified with', { operation, error }),
  });
}
