/** How the services of a running fleet call an operation, and why so: asked from the processes that call it. */

import type {
  ContractDocument,
  Explanation,
  OperationDocument,
  OperationReport,
  PolicyValue,
  ResilienceReport,
} from 'flotilla';
import { AdminPorts, type Answer, type Silence } from '../admin/admin-ports.ts';
import { connectControl } from '../control/client.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure } from '../failure.ts';
import type { InstanceView } from '../supervisor/supervisor.ts';
import { type Judgement, judgeHedge, judgeRetry, valuesOf } from './judgement.ts';

/** What the contract says of it. */
export interface OperationFacts extends Pick<OperationDocument, 'idempotent' | 'stream'> {
  readonly summary: string | null;
  readonly priority: 'high' | 'normal' | 'background';
  /** Input field by which calls are spread over instances. */
  readonly key: string | null;
}

/** The breaker of one calling process. */
export type CallerBreaker = OperationReport['breaker'] & {
  readonly instance: string;
  readonly inFlight: number;
  /** Share of calls refused there because the service is overloaded. */
  readonly throttled: number;
};

export interface CallerExplanation {
  readonly caller: string;
  /** Whether it has called the operation since it runs. */
  readonly calls: boolean;
  readonly values: readonly PolicyValue[];
  readonly retry: Judgement;
  readonly hedge: Judgement;
  /** Of its processes that have called the operation. */
  readonly breakers: readonly CallerBreaker[];
}

export interface OperationExplanation {
  readonly service: string;
  readonly operation: string;
  readonly contract: OperationFacts;
  readonly callers: readonly CallerExplanation[];
  readonly silent: readonly Silence[];
}

export interface ExplainQuery {
  readonly service: string;
  readonly operation: string;
  /** Calling service. Default: all that have called it; where none has, all. */
  readonly from: string | undefined;
}

/** @throws Failure `not_found` for an unknown service, operation or caller, `call_failed` when nobody knows the contract. */
export async function explainOperation(
  found: FoundFleet,
  query: ExplainQuery,
): Promise<OperationExplanation> {
  const { service, operation, from } = query;
  const control = connectControl(found);
  const ports = new AdminPorts(control);
  const instances = await control.instances();
  known(instances, service);
  const callers = from === undefined ? instances : instances.filter((each) => each.service === from);
  if (from !== undefined) known(instances, from);
  const contract = await contractOf(ports, instances, service);
  const document = contract.operations[operation];
  if (document === undefined) {
    throw new Failure('not_found', `${service} has no operation "${operation}"`, {
      repair: `use one of ${Object.keys(contract.operations).join(', ')}`,
    });
  }
  const [policies, reports] = await Promise.all([
    ports.askAll<Explanation>(callers, `/explain?${new URLSearchParams({ service, operation })}`),
    ports.askAll<ResilienceReport>(callers, '/resilience'),
  ]);
  const all = explainCallers(document, query, policies.answers, reports.answers);
  const calling = all.filter(({ calls }) => calls);
  return {
    service,
    operation,
    contract: factsOf(document),
    callers: from === undefined && calling.length > 0 ? calling : all,
    silent: policies.silent,
  };
}

/** One explanation per calling service, in the order of their names. */
export function explainCallers(
  document: OperationDocument,
  { service, operation }: ExplainQuery,
  policies: readonly Answer<Explanation>[],
  reports: readonly Answer<ResilienceReport>[],
): CallerExplanation[] {
  const byCaller = Map.groupBy(policies, (each) => each.service);
  return [...byCaller]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([caller, answers]) => {
      const [first] = answers;
      if (first === undefined) return [];
      const { values } = first.body;
      const breakers = reports
        .filter((each) => each.service === caller)
        .flatMap(({ instance, body }) =>
          body.services
            .filter((each) => each.service === service)
            .flatMap((each) => each.operations.filter((one) => one.operation === operation))
            .map(({ breaker, inFlight, throttled }) => ({ instance, inFlight, throttled, ...breaker })),
        );
      const numbers = valuesOf(values);
      return {
        caller,
        calls: breakers.length > 0,
        values,
        retry: judgeRetry(document, numbers),
        hedge: judgeHedge(document, numbers),
        breakers,
      };
    });
}

function factsOf({ summary, idempotent, stream, priority, key }: OperationDocument): OperationFacts {
  return { summary: summary ?? null, idempotent, stream, priority: priority ?? 'normal', key: key ?? null };
}

function known(instances: readonly InstanceView[], service: string): void {
  const names = new Set(instances.map((each) => each.service));
  names.delete('broker');
  if (names.has(service)) return;
  throw new Failure('not_found', `there is no service "${service}" in this fleet`, {
    repair: `use one of ${[...names].sort().join(', ')}`,
  });
}

/** From the first instance that answers. */
async function contractOf(
  ports: AdminPorts,
  instances: readonly InstanceView[],
  service: string,
): Promise<ContractDocument> {
  const reasons: string[] = [];
  for (const { service: of, instance, admin, pid, state } of instances) {
    if (of !== service) continue;
    if (admin === null || pid === null) {
      reasons.push(`${instance} is ${state}`);
      continue;
    }
    try {
      return await ports.ask<ContractDocument>(admin, `/rpc/${service}/$contract`, '{}');
    } catch (error) {
      reasons.push(`${instance}: ${(error as Error).message}`);
    }
  }
  throw new Failure('call_failed', `no instance of ${service} tells its contract (${reasons.join(', ')})`, {
    repair: `see flotilla logs ${service}`,
  });
}
