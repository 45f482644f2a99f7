/** From contract members to the JSON document: resolves defaults and checks what types alone cannot. */
import { platformError } from '../errors/flotilla-error.ts';
import { isPlatformCode } from '../errors/platform-codes.ts';
import { canonicalHash } from './canonical-hash.ts';
import type {
  AccessDocument,
  ContractDocument,
  EventDocument,
  FailureDocument,
  HttpBindingDocument,
  JsonSchema,
  OperationDocument,
  Priority,
} from './document.ts';
import type { Event } from './event.ts';
import { bindHttp } from './http-binding.ts';
import { fieldsOf } from './json-schema.ts';
import type { Members } from './member.ts';
import { type Access, type Failure, failure, type Operation } from './operation.ts';
import { isStream, jsonSchemaOf, type Schema } from './schema.ts';

export function describeMembers(service: string, members: Members, summary?: string): ContractDocument {
  const operations: Record<string, OperationDocument> = {};
  const events: Record<string, EventDocument> = {};
  const routes = new Map<string, string>();
  for (const [name, member] of Object.entries(members)) {
    const where = `${service}.${name}`;
    if (member.kind === 'operation') {
      operations[name] = describeOperation(where, member);
      claimRoute(routes, where, operations[name].http);
    } else {
      events[name] = describeEvent(where, member);
    }
  }
  const hash = canonicalHash({ service, operations, events });
  const document = { service, ...(summary === undefined ? {} : { summary }), hash, operations, events };
  // The document is JSON that is shared by everybody who asks: a copy of the schemas' own objects, and frozen.
  return deepFreeze(JSON.parse(JSON.stringify(document)) as ContractDocument);
}

function describeOperation(where: string, operation: Operation): OperationDocument {
  const { spec } = operation;
  const input = jsonSchemaOf(operation.input, 'input', `${where} input`);
  const streams = isStream(operation.output);
  const outputSchema = isStream(operation.output) ? operation.output.item : operation.output;
  const output = jsonSchemaOf(outputSchema, 'output', `${where} output`);
  const access = describeAccess(where, spec.access ?? (spec.http ? 'authenticated' : 'internal'));
  if (spec.http && access.kind === 'internal') {
    throw platformError(
      'invalid_argument',
      `${where}: an internal operation cannot have an HTTP binding; remove \`http\` or choose who may call it`,
    );
  }
  const http =
    spec.http === undefined ? undefined : bindHttp(where, spec.http, input, streams ? output : undefined);
  return {
    ...(spec.summary === undefined ? {} : { summary: spec.summary }),
    ...(spec.description === undefined ? {} : { description: spec.description }),
    input,
    output,
    stream: streams,
    errors: Object.fromEntries(
      Object.entries(operation.errors).map(([code, declared]) => [
        code,
        describeFailure(where, code, declared),
      ]),
    ),
    idempotent: spec.idempotent ?? false,
    ...describePriority(where, spec.priority),
    ...(spec.key === undefined ? {} : { key: checkKey(where, spec.key, input, 'input') }),
    access,
    ...(http === undefined ? {} : { http }),
  };
}

/** Two operations of a contract cannot answer the same requests: `/a/{x}` and `/a/{y}` are one route. */
function claimRoute(routes: Map<string, string>, where: string, http: HttpBindingDocument | undefined): void {
  if (!http) return;
  const route = `${http.method} ${http.path.replace(/\{[^}]+\}/g, '{}')}`;
  const holder = routes.get(route);
  if (holder !== undefined) {
    throw platformError(
      'invalid_argument',
      `${where}: HTTP binding '${http.method} ${http.path}' answers the same requests as ${holder}; change one of them`,
    );
  }
  routes.set(route, where);
}

function describeEvent(where: string, { spec, payload }: Event): EventDocument {
  const schema = jsonSchemaOf(payload, 'output', `${where} payload`);
  return {
    ...(spec.summary === undefined ? {} : { summary: spec.summary }),
    payload: schema,
    ...(spec.key === undefined ? {} : { key: checkKey(where, spec.key, schema, 'payload') }),
  };
}

function checkKey(where: string, key: string, schema: JsonSchema, of: 'input' | 'payload'): string {
  const fields = fieldsOf(schema);
  if (fields?.open || fields?.names.includes(key)) return key;
  throw platformError('invalid_argument', `${where}: the key '${key}' is not a field of the ${of}`);
}

const priorities: ReadonlySet<Priority> = new Set(['high', 'normal', 'background']);

function describePriority(where: string, priority: Priority = 'normal'): Pick<OperationDocument, 'priority'> {
  if (!priorities.has(priority)) {
    throw platformError(
      'invalid_argument',
      `${where}: priority '${priority}' is none of ${[...priorities].join(', ')}`,
    );
  }
  return priority === 'normal' ? {} : { priority };
}

function describeFailure(where: string, code: string, declared: Schema | Failure): FailureDocument {
  if (isPlatformCode(code) || !/^[a-z][a-z0-9_]*$/.test(code)) {
    throw platformError(
      'invalid_argument',
      `${where}: '${code}' cannot be a declared error: use lower_snake_case, and none of the platform's own codes`,
    );
  }
  const full = 'kind' in declared ? declared : failure({ data: declared });
  if (!Number.isInteger(full.status) || full.status < 400 || full.status > 599) {
    throw platformError(
      'invalid_argument',
      `${where} error ${code}: HTTP status ${full.status} does not say that something failed; use 400 to 599`,
    );
  }
  return {
    ...(full.summary === undefined ? {} : { summary: full.summary }),
    status: full.status,
    data: jsonSchemaOf(full.data, 'output', `${where} error ${code}`),
  };
}

/** RFC 6749 §3.3 `scope-token`, with the colon that tells a scope from a kind of access. */
const scope = /^[\x21\x23-\x39\x3b-\x5b\x5d-\x7e]+(:[\x21\x23-\x39\x3b-\x5b\x5d-\x7e]+)+$/;

function describeAccess(where: string, access: Access): AccessDocument {
  if (access === 'public' || access === 'authenticated' || access === 'internal') return { kind: access };
  const scopes = typeof access === 'string' ? [access] : [...access];
  if (scopes.length === 0 || !scopes.every((name) => scope.test(name))) {
    throw platformError(
      'invalid_argument',
      `${where}: access ${JSON.stringify(access)} is neither public, authenticated, internal nor scopes such as 'orders:read'`,
    );
  }
  return { kind: 'scopes', scopes };
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const member of Object.values(value)) deepFreeze(member);
    Object.freeze(value);
  }
  return value;
}
