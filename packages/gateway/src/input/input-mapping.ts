/**
 * How an HTTP request becomes the input of an operation, compiled once per route from the contract document: path
 * segments, query parameters and headers are coerced by the input's JSON Schema, the body supplies the rest. Values are
 * not validated here; the service does that, and `locate` turns the paths of its complaints back into places of the
 * request.
 */
import type { HttpBindingDocument, JsonSchema, OperationDocument, ValidationIssue } from 'flotilla';
import { badParameter, type FieldError, Refusal } from '../refusal.ts';
import type { CanonicalRequest } from '../request/canonical-request.ts';
import { parseQuery } from '../request/query.ts';
import { type Coercer, compileCoercer, resolveReference } from './coercion.ts';
import { escapePointer, objectMembers, parseBody, requireUtf8 } from './json-body.ts';

interface BoundField {
  readonly field: string;
  /** The field's name and colon as JSON text. */
  readonly prefix: string;
  readonly coercer: Coercer;
}

export interface InputMapping {
  /** Whether a request of this route may carry a body. */
  readonly takesBody: boolean;
  /**
   * Builds the input as JSON bytes.
   * @param parameters decoded path parameters, in the order of the path.
   * @param body the complete body; empty when there was none.
   * @throws Refusal naming the parameter or the place in the body.
   */
  build(request: CanonicalRequest, parameters: readonly string[], body: Buffer): Buffer;
  /** Where in the request an issue about the input comes from. */
  locate(issue: ValidationIssue): FieldError;
}

const emptyObject = Buffer.from('{}');

export function compileInputMapping(operation: OperationDocument, http: HttpBindingDocument): InputMapping {
  const properties = inputProperties(operation.input);
  const bind = (field: string): BoundField => ({
    field,
    prefix: `${JSON.stringify(field)}:`,
    coercer: compileCoercer(properties[field], operation.input),
  });
  const inPath = [...http.path.matchAll(/\{([^}]+)\}/g)].map((match) => bind(match[1]!));
  const inQuery = new Map(http.query.map((field) => [field, bind(field)]));
  const inHeaders = new Map(Object.entries(http.headers).map(([field, header]) => [header, bind(field)]));
  const resume = http.sse?.resume;
  if (resume !== undefined) inHeaders.set('last-event-id', bind(resume));
  const taken = new Set([
    ...inPath.map(({ field }) => field),
    ...inQuery.keys(),
    ...[...inHeaders.values()].map(({ field }) => field),
  ]);
  const places = new Map<string, Omit<FieldError, 'detail'>>();
  for (const [header, { field }] of inHeaders) places.set(field, { in: 'header', parameter: header });
  for (const field of inQuery.keys()) places.set(field, { in: 'query', parameter: field });
  for (const { field } of inPath) places.set(field, { in: 'path', parameter: field });

  return {
    takesBody: http.body.kind !== 'none',
    build(request, parameters, body) {
      const members: string[] = [];
      for (let at = 0; at < inPath.length; at++) {
        const { prefix, coercer } = inPath[at]!;
        members.push(prefix + JSON.stringify(coercer.one(parameters[at]!)));
      }
      addQuery(request.query, inQuery, members);
      for (const [header, bound] of inHeaders) addHeader(request, header, bound, members);
      return assemble(http, members, body, taken);
    },
    locate({ path, message }) {
      const [first, ...rest] = path;
      const place = first === undefined ? undefined : places.get(String(first));
      if (place) return { ...place, detail: message };
      if (http.body.kind === 'none') return { in: 'query', detail: message };
      const inBody = http.body.kind === 'field' && first === http.body.field ? rest : path;
      return {
        in: 'body',
        pointer: inBody.map((part) => `/${escapePointer(String(part))}`).join(''),
        detail: message,
      };
    },
  };
}

/** The properties of an object schema, through a reference at its top. */
export function inputProperties(input: JsonSchema): Readonly<Record<string, JsonSchema>> {
  const target = typeof input.$ref === 'string' ? (resolveReference(input.$ref, input) ?? input) : input;
  return (target.properties ?? {}) as Record<string, JsonSchema>;
}

function addQuery(raw: string, known: ReadonlyMap<string, BoundField>, members: string[]): void {
  for (const [name, values] of parseQuery(raw)) {
    const bound = known.get(name);
    if (!bound) {
      const names = [...known.keys()].join(', ');
      throw badParameter(
        'query',
        name,
        names === '' ? 'unknown: this route takes none' : `unknown: known are ${names}`,
      );
    }
    const { prefix, coercer } = bound;
    if (coercer.repeatable) members.push(prefix + JSON.stringify(values.map((value) => coercer.one(value))));
    else if (values.length > 1) throw badParameter('query', name, 'sent more than once');
    else members.push(prefix + JSON.stringify(coercer.one(values[0]!)));
  }
}

function addHeader(request: CanonicalRequest, header: string, bound: BoundField, members: string[]): void {
  const text = request.headers.get(header);
  if (text === undefined) return;
  if (request.repeatedHeaders.has(header)) throw badParameter('header', header, 'sent more than once');
  if (!/^[\t\x20-\x7e]*$/.test(text)) throw badParameter('header', header, 'must be printable ASCII');
  const value = bound.coercer.one(text);
  members.push(bound.prefix + JSON.stringify(bound.coercer.repeatable ? [value] : value));
}

function assemble(
  http: HttpBindingDocument,
  members: string[],
  body: Buffer,
  taken: ReadonlySet<string>,
): Buffer {
  if (http.body.kind === 'rest') {
    if (taken.size === 0) {
      if (body.length === 0) return emptyObject;
      requireUtf8(body);
      return body;
    }
    const inBody = body.length === 0 ? '' : objectMembers(body, taken);
    if (inBody !== '') members.push(inBody);
  } else if (http.body.kind === 'field') {
    if (body.length > 0) members.push(`${JSON.stringify(http.body.field)}:${parseBody(body).text}`);
  } else if (body.length > 0 && objectMembers(body, taken) !== '') {
    throw new Refusal('invalid_argument', 'this operation takes no body', {
      errors: [{ in: 'body', pointer: '', detail: 'send no body' }],
    });
  }
  return members.length === 0 ? emptyObject : Buffer.from(`{${members.join(',')}}`);
}
