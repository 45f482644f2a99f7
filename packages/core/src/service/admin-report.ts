/** What a process tells of itself at its admin port: traces, metrics as data, and how it gets on with those it calls. */
import { platformError } from '../errors/flotilla-error.ts';
import type { Explanation } from '../fleet/member.ts';
import type { ResilienceReport } from '../fleet/resilience-report.ts';
import type { TraceSummary } from '../telemetry/span-record.ts';
import type { Telemetry } from '../telemetry/telemetry.ts';
import type { TraceFilter } from '../telemetry/tracer.ts';

/** Where the answers come from. */
export interface Observed {
  readonly telemetry: Pick<Telemetry, 'tracer' | 'metrics'>;
  /** Absent where a process calls nobody. */
  readonly member?: {
    resilience(): ResilienceReport;
    explain(service: string, operation?: string): Explanation;
  };
}

/** For people who mistype. */
export const reportPaths = ['/traces', '/traces/<trace id>', '/resilience', '/explain', '/snapshot'];

const mostTraces = 1_000;
const reasons: readonly TraceSummary['reason'][] = ['error', 'slow', 'recent'];

/**
 * The answer to a GET; undefined for a path that is none of {@link reportPaths}.
 *
 * @throws FlotillaError `invalid_argument` for a parameter that cannot be understood.
 */
export function report({ telemetry, member }: Observed, path: string, query: URLSearchParams): unknown {
  const trace = /^\/traces\/([^/]*)$/.exec(path)?.[1];
  if (trace !== undefined) {
    if (!/^[0-9a-f]{32}$/.test(trace)) {
      throw platformError(
        'invalid_argument',
        `"${trace}" is no trace id: it has 32 digits, 0 to 9 and a to f`,
      );
    }
    return { spans: telemetry.tracer.spansOf(trace) };
  }
  if (path === '/traces') return { traces: telemetry.tracer.recent(filterOf(query)) };
  if (path === '/snapshot') return telemetry.metrics.snapshot();
  if (path === '/resilience') return member?.resilience() ?? { services: [] };
  if (path === '/explain' && member) {
    const service = query.get('service');
    if (!service)
      throw platformError('invalid_argument', 'say what to explain: /explain?service=&operation=');
    return member.explain(service, query.get('operation') ?? undefined);
  }
  return undefined;
}

function filterOf(query: URLSearchParams): TraceFilter {
  const reason = reasons.find((each) => each === query.get('reason'));
  if (query.has('reason') && reason === undefined) {
    throw platformError('invalid_argument', `reason is one of ${reasons.join(', ')}`);
  }
  const limit = numberOf(query, 'limit');
  const minDurationMs = numberOf(query, 'minDurationMs');
  return {
    ...(reason && { reason }),
    ...(query.has('name') && { name: query.get('name') ?? '' }),
    ...(limit !== undefined && { limit: Math.min(limit, mostTraces) }),
    ...(minDurationMs !== undefined && { minDurationMs }),
  };
}

function numberOf(query: URLSearchParams, name: string): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = Number(text);
  if (text !== '' && value >= 0 && Number.isFinite(value)) return value;
  throw platformError('invalid_argument', `${name} is a number from 0, not "${text}"`);
}
