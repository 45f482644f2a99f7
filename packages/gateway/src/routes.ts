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

export const builtInPaths: Readonly<Record<string, BuiltIn>> = {
  '/healthz': 'health',
  '/openapi.json': 'openapi',
};

export function buildRouteTable(contracts: readonly ContractDocument[]): RouteTable {
  const router = new Router<Route | BuiltIn>();
  for (const [path, builtIn] of Object.entries(builtInPaths)) router.add('GET', path, builtIn);
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
  };
}
