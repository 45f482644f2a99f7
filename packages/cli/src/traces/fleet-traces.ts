/** The traces that the processes of a running fleet remember, by id or by what is notable about them. */

import type { SpanRecord, TraceSummary } from 'flotilla';
import { AdminPorts, type Silence } from '../admin/admin-ports.ts';
import { connectControl } from '../control/client.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure } from '../failure.ts';
import { assembleTrace, type Trace } from './assemble-trace.ts';

export interface FoundTrace {
  readonly trace: Trace;
  /** Processes that may have more of it. */
  readonly silent: readonly Silence[];
}

/** @throws Failure `not_found` when no process remembers it. */
export async function findTrace(found: FoundFleet, traceId: string): Promise<FoundTrace> {
  const control = connectControl(found);
  const { answers, silent } = await new AdminPorts(control).askAll<{ spans: SpanRecord[] }>(
    await control.instances(),
    `/traces/${traceId}`,
  );
  const trace = assembleTrace(traceId, answers);
  if (trace !== undefined) return { trace, silent };
  const missing =
    silent.length === 0 ? '' : ` (${silent.map(({ instance }) => instance).join(', ')} did not answer)`;
  throw new Failure('not_found', `no process remembers the trace ${traceId}${missing}`, {
    repair:
      'a process remembers its last 4096 spans, and 128 traces that failed or were slow: flotilla trace lists them. ' +
      'Set OTEL_EXPORTER_OTLP_ENDPOINT to keep all of them elsewhere',
  });
}

export interface TraceQuery {
  /** Default: those that failed or were slow. `recent`: any of those remembered. */
  readonly reason?: TraceSummary['reason'];
  readonly limit: number;
}

/** A trace as the process tells it where it took longest, which is the one that is nearest to its begin. */
export interface ListedTrace extends TraceSummary {
  readonly service: string;
  readonly instance: string;
  /** Of its spans, those that all processes together have said to remember. */
  readonly spans: number;
}

export interface ListedTraces {
  /** The latest first. */
  readonly traces: readonly ListedTrace[];
  readonly silent: readonly Silence[];
}

export async function listTraces(found: FoundFleet, { reason, limit }: TraceQuery): Promise<ListedTraces> {
  const control = connectControl(found);
  const query = new URLSearchParams({ limit: String(limit), ...(reason && { reason }) });
  const { answers, silent } = await new AdminPorts(control).askAll<{ traces: TraceSummary[] }>(
    await control.instances(),
    `/traces?${query}`,
  );
  const all = answers.flatMap(({ service, instance, body }) =>
    body.traces.map((summary) => ({ ...summary, service, instance })),
  );
  const traces = [...Map.groupBy(all, ({ traceId }) => traceId).values()].map(mergeSummaries);
  return { traces: traces.sort((a, b) => b.startMs - a.startMs).slice(0, limit), silent };
}

/** An error anywhere makes it one that failed. */
export function mergeSummaries(parts: readonly ListedTrace[]): ListedTrace {
  const [longest] = parts.toSorted((a, b) => b.durationMs - a.durationMs);
  const worst = parts.find(({ reason }) => reason === 'error') ?? longest;
  const spans = parts.reduce((sum, part) => sum + part.spans, 0);
  const { reason, code } = worst as ListedTrace;
  return { ...(longest as ListedTrace), reason, ...(code !== undefined && { code }), spans };
}
