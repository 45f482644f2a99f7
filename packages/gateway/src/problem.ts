/**
 * Errors as problem details (RFC 9457). A client sees `code`, the message and data that a service meant for callers,
 * and the request id under which the log has the rest. Of faults inside the fleet (any platform code of status 5xx)
 * it sees one fixed sentence: messages of that kind name addresses and other services.
 */
import {
  type FlotillaError,
  isPlatformCode,
  type OperationDocument,
  platformCodes,
  type ValidationData,
} from 'flotilla';
import type { HttpResponse } from './data-plane/data-plane.ts';
import type { InputMapping } from './input/input-mapping.ts';
import { type FieldError, Refusal } from './refusal.ts';

export interface Problem {
  /** `urn:flotilla:error:<code>`, or `urn:flotilla:error:<service>.<operation>:<code>` for a declared error. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** A platform code, or a code that the operation declares. */
  readonly code: string;
  /** `urn:flotilla:request:<request id>`. */
  readonly instance: string;
  readonly requestId: string;
  readonly errors?: readonly FieldError[];
  /** Data of a declared error, or of a platform error that a service raised with data. */
  readonly data?: unknown;
}

/** The route that the error comes from, where there is one. */
export interface ProblemSource {
  /** `service.operation`. */
  readonly id: string;
  readonly operation: OperationDocument;
  readonly mapping: InputMapping;
}

/** What a fault inside the fleet tells the outside. */
const insideDetails: Readonly<Record<string, string>> = {
  cancelled: 'the call was cancelled before it had an answer',
  internal: 'the call failed inside; the log has the cause under this request id',
  unimplemented: 'the service that is running does not have this operation',
  unavailable: 'the service cannot be reached right now; try again',
  overloaded: 'the service has more work than it can take right now; try again later',
  deadline_exceeded: 'the time allowed for this request has run out; its effect is unknown',
};

const titlesByStatus: Readonly<Record<number, string>> = {
  408: 'Request timeout',
  414: 'URI too long',
  417: 'Expectation failed',
  431: 'Request header fields too large',
  505: 'HTTP version not supported',
};

export function problemOf(error: FlotillaError, requestId: string, source?: ProblemSource): Problem {
  const common = { instance: `urn:flotilla:request:${requestId}`, requestId };
  if (error instanceof Refusal) {
    const status = error.status ?? platformCodes[error.code].httpStatus;
    return {
      type: `urn:flotilla:error:${error.code}`,
      title: titlesByStatus[status] ?? platformCodes[error.code].title,
      status,
      detail: error.message,
      code: error.code,
      ...common,
      ...(error.errors.length === 0 ? {} : { errors: error.errors }),
    };
  }
  if (error.declared && source) {
    const declared = Object.hasOwn(source.operation.errors, error.code)
      ? source.operation.errors[error.code]
      : undefined;
    return {
      type: `urn:flotilla:error:${source.id}:${error.code}`,
      title: declared?.summary ?? sentence(error.code),
      status: declared?.status ?? 422,
      detail: error.message,
      code: error.code,
      ...common,
      ...(error.data === undefined ? {} : { data: error.data }),
    };
  }
  const code = isPlatformCode(error.code) ? error.code : 'internal';
  const { title, httpStatus } = platformCodes[code];
  const inside = insideDetails[code];
  const issues = code === 'invalid_argument' ? validationIssues(error.data) : undefined;
  const data = inside === undefined ? (issues ? undefined : error.data) : executed(error.data);
  return {
    type: `urn:flotilla:error:${code}`,
    title,
    status: httpStatus,
    detail: inside ?? error.message,
    code,
    ...common,
    ...(issues && source ? { errors: issues.map((issue) => source.mapping.locate(issue)) } : {}),
    ...(data === undefined ? {} : { data }),
  };
}

/**
 * The response that carries a problem, with the headers that go with it: `Retry-After` in whole seconds (RFC 9110
 * §10.2.3), and a challenge with every 401 (RFC 9110 §11.6.1).
 */
export function problemResponse(
  error: FlotillaError,
  problem: Problem,
  commonHeaders: readonly string[],
): HttpResponse {
  const headers = [...commonHeaders, 'content-type', 'application/problem+json'];
  const retryAfterMs = error.retryAfterMs ?? retryAfterOf(error.data);
  if (retryAfterMs !== undefined) {
    headers.push('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1000))));
  } else if (problem.status === 503) headers.push('retry-after', '1');
  if (error instanceof Refusal) for (const [name, value] of error.headers) headers.push(name, value);
  if (problem.status === 401 && !headers.includes('www-authenticate')) {
    headers.push('www-authenticate', 'Bearer realm="flotilla"');
  }
  return { status: problem.status, headers, body: Buffer.from(JSON.stringify(problem)) };
}

function validationIssues(data: unknown): ValidationData['issues'] | undefined {
  const issues = (data as Partial<ValidationData> | undefined)?.issues;
  return Array.isArray(issues) ? (issues as ValidationData['issues']) : undefined;
}

/** Services may put it into the data of their error as well. */
function retryAfterOf(data: unknown): number | undefined {
  const given = (data as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs;
  return typeof given === 'number' && Number.isFinite(given) ? given : undefined;
}

/** Of a fault inside only this is told: whether the call may have had an effect. */
function executed(data: unknown): { executed: string } | undefined {
  const known = (data as { executed?: unknown } | undefined)?.executed;
  return known === 'no' || known === 'unknown' ? { executed: known } : undefined;
}

function sentence(code: string): string {
  const words = code.replaceAll('_', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
