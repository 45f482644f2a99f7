/**
 * The OpenAPI 3.1 document of what this gateway serves right now, made from the route table and nothing else, so that it
 * cannot disagree with the routes.
 */
import type { JsonSchema } from 'flotilla';
import { inputProperties } from '../input/input-mapping.ts';
import type { Route } from '../routes.ts';
import { problemResponses, problemSchemas } from './problem-responses.ts';
import { relocate } from './schema-references.ts';

type Json = Record<string, unknown>;

export interface OpenApiInfo {
  readonly title: string;
  readonly version: string;
}

export function openApiDocument(routes: readonly Route[], info: OpenApiInfo): Json {
  const paths: Record<string, Json> = {};
  const schemas: Record<string, JsonSchema> = { ...problemSchemas };
  for (const route of routes) {
    const { id, operation, http } = route;
    schemas[`${id}.Input`] = relocate(operation.input, component(`${id}.Input`));
    if (!route.voids) schemas[`${id}.Output`] = relocate(operation.output, component(`${id}.Output`));
    for (const [code, { data }] of Object.entries(operation.errors)) {
      schemas[`${id}.${code}`] = relocate(data, component(`${id}.${code}`));
    }
    paths[http.path] ??= {};
    paths[http.path]![http.method.toLowerCase()] = operationObject(route);
  }
  return {
    openapi: '3.1.1',
    info,
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    tags: [...new Set(routes.map(({ service }) => service))].map((name) => ({ name })),
    paths,
    components: {
      schemas,
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } },
    },
  };
}

function component(name: string): string {
  return `#/components/schemas/${name}`;
}

function operationObject(route: Route): Json {
  const { id, service, operation, http } = route;
  const { access } = operation;
  const body = requestBody(route);
  return {
    operationId: id,
    tags: [service],
    ...(operation.summary === undefined ? {} : { summary: operation.summary }),
    ...(operation.description === undefined ? {} : { description: operation.description }),
    security: access.kind === 'public' ? [] : [{ bearer: access.kind === 'scopes' ? access.scopes : [] }],
    parameters: parameters(route),
    ...(body ? { requestBody: body } : {}),
    responses: { ...successes(route), ...problemResponses(id, operation) },
    ...(http.sse ? { 'x-server-sent-events': http.sse } : {}),
  };
}

function parameters({ id, operation, http }: Route): Json[] {
  const properties = inputProperties(operation.input);
  const required = new Set(
    Array.isArray(operation.input.required) ? (operation.input.required as string[]) : [],
  );
  const parameter = (place: string, name: string, field: string): Json => ({
    name,
    in: place,
    required: place === 'path' || required.has(field),
    ...describe(properties[field]),
    schema: properties[field] ? relocate(properties[field], component(`${id}.Input`)) : {},
  });
  const list = [
    ...[...http.path.matchAll(/\{([^}]+)\}/g)].map(([, field]) => parameter('path', field!, field!)),
    ...http.query.map((field) => parameter('query', field, field)),
    ...Object.entries(http.headers).map(([field, header]) => parameter('header', header, field)),
  ];
  if (http.sse?.resume !== undefined) list.push(parameter('header', 'Last-Event-ID', http.sse.resume));
  if (http.method !== 'GET') {
    list.push({
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: 'Names this request, so that a service that keeps results recognises a repetition.',
      schema: { type: 'string', maxLength: 255 },
    });
  }
  return list;
}

function describe(schema: JsonSchema | undefined): Json {
  return typeof schema?.description === 'string' ? { description: schema.description } : {};
}

function requestBody({ id, operation, http }: Route): Json | undefined {
  if (http.body.kind === 'none') return undefined;
  const { input } = operation;
  const properties = inputProperties(input);
  const required = Array.isArray(input.required) ? (input.required as string[]) : [];
  if (http.body.kind === 'field') {
    const { field } = http.body;
    const schema = properties[field] ? relocate(properties[field], component(`${id}.Input`)) : {};
    return { required: required.includes(field), content: json(schema) };
  }
  const elsewhere = new Set([
    ...[...http.path.matchAll(/\{([^}]+)\}/g)].map(([, field]) => field),
    ...http.query,
    ...Object.keys(http.headers),
    http.sse?.resume,
  ]);
  const own = Object.keys(properties).filter((field) => !elsewhere.has(field));
  if (own.length === Object.keys(properties).length) {
    return { required: required.length > 0, content: json({ $ref: component(`${id}.Input`) }) };
  }
  const schema: Json = {
    type: 'object',
    properties: Object.fromEntries(
      own.map((field) => [field, relocate(properties[field]!, component(`${id}.Input`))]),
    ),
    required: required.filter((field) => own.includes(field)),
  };
  if (input.additionalProperties !== undefined) schema.additionalProperties = input.additionalProperties;
  return { required: (schema.required as string[]).length > 0, content: json(schema) };
}

function successes(route: Route): Record<string, Json> {
  const { id, operation, http, voids } = route;
  const headers = {
    'X-Request-Id': { description: 'Under this id the logs have the request.', schema: { type: 'string' } },
  };
  if (operation.stream) {
    return {
      [http.status]: {
        description: 'A stream of events; the data of each is one item.',
        headers,
        content: { 'text/event-stream': { schema: { $ref: component(`${id}.Output`) } } },
      },
    };
  }
  const response = (description: string): Json => ({
    description,
    headers,
    ...(voids ? {} : { content: json({ $ref: component(`${id}.Output`) }) }),
  });
  const status = voids && http.status === 200 ? 204 : http.status;
  const responses: Record<string, Json> = { [status]: response('Success') };
  if (http.replayStatus !== http.status) {
    responses[http.replayStatus] = response('The result of an earlier, identical request');
  }
  return responses;
}

function json(schema: unknown): Json {
  return { 'application/json': { schema } };
}
