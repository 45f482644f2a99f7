/** What is known of each operation of a service before its first call. */
import { contractInfo, describe } from '../contract/contract.ts';
import type { AccessDocument, Priority } from '../contract/document.ts';
import { isStream, type Schema } from '../contract/schema.ts';
import type { SpanTemplate, Tracer } from '../telemetry/tracer.ts';
import type { OperationLatency } from './adaptive-limit.ts';
import type { Admission } from './admission.ts';
import type { CallMetrics, OperationMetrics } from './call-metrics.ts';
import type { Service } from './service.ts';
import { SharedItems } from './shared-items.ts';

export type Handler = (input: unknown, context: unknown) => unknown;

export interface Route {
  /** `service.operation`, as on the wire. */
  readonly id: string;
  readonly input: Schema;
  readonly output: Schema;
  readonly streams: boolean;
  readonly priority: Priority;
  readonly sharedItems: SharedItems;
  readonly access: AccessDocument;
  readonly declared: ReadonlySet<string>;
  readonly run: Handler;
  readonly metrics: OperationMetrics;
  readonly latency: OperationLatency;
  readonly spans: SpanTemplate;
}

export interface RouteParts {
  readonly admission: Admission;
  readonly calls: CallMetrics;
  readonly tracer: Tracer;
}

export function routesOf(service: Service, { admission, calls, tracer }: RouteParts): Map<string, Route> {
  const { name, members } = contractInfo(service.contract);
  const { operations } = describe(service.contract);
  const routes = new Map<string, Route>();
  for (const [key, member] of Object.entries(members)) {
    if (member.kind !== 'operation') continue;
    const { output } = member;
    const id = `${name}.${key}`;
    routes.set(id, {
      id,
      input: member.input,
      output: isStream(output) ? output.item : output,
      streams: isStream(output),
      priority: operations[key]!.priority ?? 'normal',
      sharedItems: new SharedItems(),
      access: operations[key]!.access,
      declared: new Set(Object.keys(member.errors)),
      run: (service.spec.operations as Record<string, Handler>)[key]!,
      metrics: calls.of(id),
      latency: admission.operation(),
      spans: tracer.template(`${name}/${key}`, 'server', {
        'rpc.system.name': 'flotilla',
        'rpc.method': `${name}/${key}`,
      }),
    });
  }
  return routes;
}
