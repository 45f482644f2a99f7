/**
 * Schemas at the boundary. A contract accepts any Standard Schema (zod, valibot, arktype, …); where the library also
 * gives JSON Schema (the `StandardJSONSchemaV1` trait), it feeds the hash, OpenAPI and the gateway.
 */
import type { StandardJSONSchemaV1, StandardSchemaV1 } from '@standard-schema/spec';
import { platformError } from '../errors/flotilla-error.ts';
import { invalidArgument, type ValidationIssue } from '../errors/validation.ts';
import type { JsonSchema } from './document.ts';

export type Schema<Input = unknown, Output = Input> = StandardSchemaV1<Input, Output>;
/** What a caller may pass. */
export type InputOf<S extends Schema> = StandardSchemaV1.InferInput<S>;
/** What a value is after validation (defaults filled in, transforms applied). */
export type OutputOf<S extends Schema> = StandardSchemaV1.InferOutput<S>;
/** The field names of a value: those of every branch of a union; any name where the type is unknown. */
export type FieldsOf<T> = unknown extends T
  ? string
  : T extends Record<string, never>
    ? never
    : T extends unknown
      ? Extract<keyof T, string>
      : never;

/** Marks an operation's output as a stream of items. */
export interface StreamSchema<Item extends Schema = Schema> {
  readonly kind: 'stream';
  readonly item: Item;
}

/** An output that is a stream: the handler is an async generator, the caller iterates. */
export function stream<Item extends Schema>(item: Item): StreamSchema<Item> {
  return { kind: 'stream', item };
}

export function isStream(output: Schema | StreamSchema): output is StreamSchema {
  return 'kind' in output && output.kind === 'stream';
}

type Outcome<T> =
  | { readonly value: T; readonly issues?: undefined }
  | { readonly issues: readonly ValidationIssue[] };

/**
 * Validates `value`, without throwing. A promise comes back only from schemas with asynchronous checks, so that the
 * usual case costs no microtask.
 */
export function validate<S extends Schema>(
  schema: S,
  value: unknown,
): Outcome<OutputOf<S>> | Promise<Outcome<OutputOf<S>>> {
  const result = schema['~standard'].validate(value);
  return result instanceof Promise ? result.then((r) => outcome<S>(r, value)) : outcome<S>(result, value);
}

/** The validated value, or an `invalid_argument` error that names each field at fault. */
export async function parse<S extends Schema>(schema: S, value: unknown): Promise<OutputOf<S>> {
  const result = await validate(schema, value);
  if (result.issues) throw invalidArgument(result.issues);
  return result.value;
}

function outcome<S extends Schema>(
  result: StandardSchemaV1.Result<unknown>,
  value: unknown,
): Outcome<OutputOf<S>> {
  if (!result.issues) return { value: result.value as OutputOf<S> };
  return { issues: result.issues.flatMap((issue) => issuesOf(issue, value)) };
}

/** What zod's issues have beyond the standard. */
interface LibraryIssue extends StandardSchemaV1.Issue {
  readonly code?: unknown;
  readonly keys?: unknown;
}

/** In zod's words: nothing of the kind is there. A check of one's own has the code `custom`, and says it better. */
const mismatches: ReadonlySet<unknown> = new Set(['invalid_type', 'invalid_value', 'invalid_union']);

/** One issue for each field: zod says of all unknown keys at once that their parent is at fault. */
function issuesOf(issue: LibraryIssue, value: unknown): ValidationIssue[] {
  const path = (issue.path ?? []).map((segment) => {
    const key = typeof segment === 'object' ? segment.key : segment;
    return typeof key === 'number' ? key : String(key);
  });
  if (Array.isArray(issue.keys)) {
    return issue.keys.map((key) => ({
      path: [...path, String(key)],
      message: 'is not a known field: remove it',
    }));
  }
  const missing = path.length > 0 && mismatches.has(issue.code) && !isThere(value, path);
  return [{ path, message: missing ? 'is required' : issue.message }];
}

function isThere(value: unknown, path: readonly (string | number)[]): boolean {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return false;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at !== undefined;
}

/**
 * The JSON Schema (2020-12) of one side of a schema. A library without the JSON Schema trait gives `{}`: anything
 * goes as far as documents are concerned, while validation itself stays exact.
 */
export function jsonSchemaOf(schema: Schema, side: 'input' | 'output', where: string): JsonSchema {
  const standard = schema['~standard'] as Partial<StandardJSONSchemaV1.Props>;
  if (!standard.jsonSchema) return {};
  try {
    const { $schema: _, '~standard': __, ...rest } = standard.jsonSchema[side]({ target: 'draft-2020-12' });
    return rest;
  } catch (cause) {
    throw platformError(
      'invalid_argument',
      `${where}: the schema has no JSON form (${(cause as Error).message}). ` +
        'Values cross processes as JSON: use strings for bigint and Date, and keep transforms inside the service',
      { cause },
    );
  }
}
