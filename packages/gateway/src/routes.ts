/**
 * The route table: one immutable generation, compiled from the contracts of all services. When two operations claim
 * the same method and path, the service whose name sorts first has it, then the operation; the loser is reported.
 */
import type { ContractDocument, HttpBindingDocument, OperationDocument } from 'flotilla';
import { compileInputMapping, type InputMapping } from './input/input-mapping.ts';
import { Router } from './router.ts';
import { type EventFormatter, eventFormatter } from './sse/event-format.ts';

export interface Route {
  readonly service: string;
  /** `service.operation`. */
  readonly id: string;
  readonly operation: OperationDocument;
  readonly http: HttpBindingDocument;
  readonly mapping: InputMapping;
  /** The operation has no output: a success has no body. */
  readonly voids: boolean;
  readonly format: EventFormatter;
  /** The value by which the operation is sharded, of an input in JSON; undefined for one that is not. */
  readonly routingKey: ((input: Uint8Array) => string | undefined) | undefined;
}

/** What the gateway itself serves. */
export type BuiltIn = 'health' | 'openapi';

export interface RouteConflict {
  readonly method: string;
  readonly path: string;
  /** Who has the route: `service.operation`, or `gateway`. */
  readonly kept: string;
  readonly dropped: string;
}

export interface RouteTable {
  readonly router: Router<Route | BuiltIn>;
  /** In the order of service and operation. */
  readonly routes: readonly Route[];
  readonly conflicts: readonly RouteConflict[];
}

/** The path at which the gateway serves something of its own. */
export const pathOf: Readonly<Record<BuiltIn, string>> = {
  health: '/healthz',
  openapi: '/openapi.json',
};

export function buildRouteTable(contracts: readonly ContractDocument[]): RouteTable {
  const router = new Router<Route | BuiltIn>();
  for (const builtIn of ['health', 'openapi'] as const) router.add('GET', pathOf[builtIn], builtIn);
  const routes: Route[] = [];
  const conflicts: RouteConflict[] = [];
  for (const contract of contracts.toSorted((a, b) => (a.service < b.service ? -1 : 1))) {
    for (const [name, operation] of Object.entries(contract.operations).sort(([a], [b]) =>
      a < b ? -1 : 1,
    )) {
      const { http } = operation;
      if (!http || operation.access.kind === 'internal') continue;
      const route = compileRoute(contract.service, name, operation, http);
      const taken = router.add(http.method, http.path, route);
      if (taken === undefined) routes.push(route);
      else {
        const kept = typeof taken === 'string' ? 'gateway' : taken.id;
        conflicts.push({ method: http.method, path: http.path, kept, dropped: route.id });
      }
    }
  }
  return { router, routes, conflicts };
}

function compileRoute(
  service: string,
  name: string,
  operation: OperationDocument,
  http: HttpBindingDocument,
): Route {
  return {
    service,
    id: `${service}.${name}`,
    operation,
    http,
    mapping: compileInputMapping(operation, http),
    voids: operation.output.type === 'null',
    format: eventFormatter(http.sse),
    routingKey: operation.key === undefined ? undefined : keyReader(operation.key),
  };
}

/** An input without the field, or that is no JSON, has no key: the service then says what is wrong with it. */
function keyReader(field: string): (input: Uint8Array) => string | undefined {
  return (input) => {
    try {
      const value: unknown = JSON.parse(Buffer.from(input).toString('utf8'))[field];
      return value === undefined || value === null ? undefined : String(value);
    } catch {
      return undefined;
    }
  };
}
