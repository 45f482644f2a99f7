/** The problem details of an operation as OpenAPI responses: one per status, declared errors with their data. */
import { type JsonSchema, type OperationDocument, platformCodes } from 'flotilla';

const text = { type: 'string' };

export const problemSchemas: Readonly<Record<string, JsonSchema>> = {
  Problem: {
    description: 'A problem detail (RFC 9457).',
    type: 'object',
    required: ['type', 'title', 'status', 'detail', 'code', 'instance', 'requestId'],
    properties: {
      type: { type: 'string', format: 'uri' },
      title: text,
      status: { type: 'integer' },
      detail: text,
      code: { ...text, description: 'A platform code, or one that the operation declares.' },
      instance: { type: 'string', format: 'uri' },
      requestId: text,
      errors: {
        type: 'array',
        items: {
          type: 'object',
          required: ['in', 'detail'],
          properties: {
            in: { enum: ['path', 'query', 'header', 'body'] },
            parameter: text,
            pointer: { ...text, description: 'JSON pointer (RFC 6901) into the body.' },
            detail: text,
          },
        },
      },
      data: {},
    },
  },
};

const problem = { $ref: '#/components/schemas/Problem' };

/** @param id `service.operation`, under which the data schemas of its errors are components. */
export function problemResponses(id: string, operation: OperationDocument): Record<string, unknown> {
  const byStatus = new Map<number, { descriptions: string[]; schemas: JsonSchema[] }>();
  const at = (status: number) => {
    let entry = byStatus.get(status);
    if (!entry) {
      entry = { descriptions: [], schemas: [] };
      byStatus.set(status, entry);
    }
    return entry;
  };
  at(400).descriptions.push(platformCodes.invalid_argument.title);
  if (operation.access.kind !== 'public') at(401).descriptions.push(platformCodes.unauthenticated.title);
  if (operation.access.kind === 'scopes') at(403).descriptions.push(platformCodes.permission_denied.title);
  for (const [code, { status, summary }] of Object.entries(operation.errors)) {
    const entry = at(status);
    entry.descriptions.push(summary ?? code);
    entry.schemas.push({
      allOf: [
        problem,
        {
          type: 'object',
          properties: { code: { const: code }, data: { $ref: `#/components/schemas/${id}.${code}` } },
        },
      ],
    });
  }
  const responses: Record<string, unknown> = {};
  for (const [status, { descriptions, schemas }] of byStatus) {
    responses[status] = response(descriptions.join('; '), schemas.length === 0 ? problem : anyOf(schemas));
  }
  responses.default = response('Any other failure', problem);
  return responses;
}

function anyOf(schemas: readonly JsonSchema[]): JsonSchema {
  return schemas.length === 1 ? schemas[0]! : { anyOf: schemas };
}

function response(description: string, schema: JsonSchema): unknown {
  return { description, content: { 'application/problem+json': { schema } } };
}
