/** From contract members to the JSON document: resolves defaults and checks what types alone cannot. */
import { platformError } from '../errors/flotilla-error.ts';
import { isPlatformCode } from '../errors/platform-codes.ts';
import { canonicalHash } from './canonical-hash.ts';
import type {
  AccessDocument,
  ContractDocument,
  EventDocument,
  FailureDocument,
  OperationDocument,
} from './document.ts';
import { bindHttp } from './http-binding.ts';
import type { Members } from './member.ts';
import type { Access, Failure, Operation } from './operation.ts';
import { isStream, jsonSchemaOf, type Schema } from './schema.ts';

export function describeMembers(service: string, members: Members, summary?: string): ContractDocument {
  const operations: Record<string, OperationDocument> = {};
  const events: Record<string, EventDocument> = {};
  for (const [name, member] of Object.entries(members)) {
    const where = `${service}.${name}`;
    if (member.kind === 'operation') {
      operations[name] = describeOperation(where, member);
    } else {
      events[name] = {
        ...(member.spec.summary === undefined ? {} : { summary: member.spec.summary }),
        payload: jsonSchemaOf(member.payload, 'output', `${where} payload`),
        ...(member.spec.key === undefined ? {} : { key: member.spec.key }),
      };
    }
  }
  const hash = canonicalHash({ service, operations, events });
  return { service, ...(summary === undefined ? {} : { summary }), hash, operations, events };
}

function describeOperation(where: string, operation: Operation): OperationDocument {
  const { spec } = operation;
  const input = jsonSchemaOf(operation.input, 'input', `${where} input`);
  const streams = isStream(operation.output);
  const output = isStream(operation.output) ? operation.output.item : operation.output;
  const access = describeAccess(spec.access ?? (spec.http ? 'authenticated' : 'internal'));
  if (spec.http && access.kind === 'internal') {
    throw platformError(
      'invalid_argument',
      `${where}: an internal operation cannot have an HTTP binding; remove \`http\` or choose who may call it`,
    );
  }
  const http = spec.http === undefined ? undefined : bindHttp(where, spec.http, input, streams);
  return {
    ...(spec.summary === undefined ? {} : { summary: spec.summary }),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    input,
    output: jsonSchemaOf(output, 'output', `${where} output`),
    stream: streams,
    errors: Object.fromEntries(
      Object.entries(operation.errors).map(([code, declared]) => [
        code,
        describeFailure(where, code, declared),
      ]),
    ),
    idempotent: spec.idempotent ?? false,
    access,
    ...(http === undefined ? {} : { http }),
  };
}

function describeFailure(where: string, code: string, declared: Schema | Failure): FailureDocument {
  if (isPlatformCode(code) || !/^[a-z][a-z0-9_]*$/.test(code)) {
    throw platformError(
      'invalid_argument',
      `${where}: '${code}' cannot be a declared error: use lower_snake_case, and none of the platform's own codes`,
    );
  }
  const full = 'kind' in declared ? declared : { data: declared, status: 422, summary: undefined };
  return {
    ...(full.summary === undefined ? {} : { summary: full.summary }),
    status: full.status,
    data: jsonSchemaOf(full.data, 'output', `${where} error ${code}`),
  };
}

function describeAccess(access: Access): AccessDocument {
  if (access === 'public' || access === 'authenticated' || access === 'internal') return { kind: access };
  return { kind: 'scopes', scopes: typeof access === 'string' ? [access] : [...access] };
}
