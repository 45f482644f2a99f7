/** Which single values a JSON Schema (draft 2020-12) admits, as far as comparing contracts needs it. */
import { canonicalValue } from './canonical-schema.ts';
import type { JsonSchema } from './document.ts';
import { isObject, resolveReference } from './json-schema.ts';

export type JsonType = 'null' | 'boolean' | 'integer' | 'number' | 'string' | 'array' | 'object';

/** The types that a schema names, or undefined where it names none and admits all. */
export function typesOf({ type }: JsonSchema): readonly JsonType[] | undefined {
  if (type === undefined) return undefined;
  return (Array.isArray(type) ? type : [type]) as JsonType[];
}

/** Whether values of a type are values of another: integers are numbers. */
export function isOfType(type: JsonType, types: readonly JsonType[] | undefined): boolean {
  return types === undefined || types.includes(type) || (type === 'integer' && types.includes('number'));
}

/** The values that `enum` or `const` name, or undefined where neither does. */
export function namedValues(schema: JsonSchema): readonly unknown[] | undefined {
  if (Object.hasOwn(schema, 'const')) return [schema.const];
  return Array.isArray(schema.enum) ? schema.enum : undefined;
}

export function sameValue(a: unknown, b: unknown): boolean {
  return JSON.stringify(canonicalValue(a)) === JSON.stringify(canonicalValue(b));
}

const deepest = 100;
/** Keywords on which this module does not judge a value; a schema that has one is taken not to admit it. */
const unjudged = [
  ...['not', 'if', 'then', 'else', 'contentEncoding', 'contentMediaType', 'contentSchema'],
  ...['$dynamicRef', 'multipleOf'],
];

/**
 * Whether a schema surely admits a value. False where that is not certain, as for objects and arrays that are not named
 * one by one.
 */
export function admits(root: JsonSchema, schema: unknown, value: unknown, depth = 0): boolean {
  if (typeof schema === 'boolean') return schema;
  // References that lead in a circle never come to a keyword.
  if (depth > deepest) return false;
  if (!isObject(schema) || unjudged.some((keyword) => schema[keyword] !== undefined)) return false;
  if (schema.$ref !== undefined) {
    const target = resolveReference(root, schema.$ref);
    if (!target || !admits(root, target, value, depth + 1)) return false;
  }
  const every = (keyword: string) =>
    !Array.isArray(schema[keyword]) ||
    schema[keyword].every((branch) => admits(root, branch, value, depth + 1));
  const some = (keyword: string) =>
    !Array.isArray(schema[keyword]) ||
    schema[keyword].some((branch) => admits(root, branch, value, depth + 1));
  if (!every('allOf') || !some('anyOf') || !some('oneOf')) return false;
  const type = typeOfValue(value);
  if (!isOfType(type, typesOf(schema))) return false;
  const named = namedValues(schema);
  if (named) return named.some((one) => sameValue(one, value));
  if (typeof value === 'string') return admitsText(schema, value);
  if (typeof value === 'number') return admitsNumber(schema, value);
  return type === 'null' || type === 'boolean' || saysNothing(schema);
}

/** Whether a schema has no keyword that would restrict a compound value. */
function saysNothing(schema: JsonSchema): boolean {
  return Object.keys(schema).every((keyword) => keyword === 'type' || keyword === '$defs');
}

export function typeOfValue(value: unknown): JsonType {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number';
  return typeof value as 'boolean' | 'string' | 'object';
}

function admitsText(schema: JsonSchema, value: string): boolean {
  const { pattern, format, minLength = 0, maxLength = Infinity } = schema;
  if (format !== undefined && pattern === undefined) return false;
  if (typeof pattern === 'string' && !new RegExp(pattern, 'u').test(value)) return false;
  // In code points, as the specification counts.
  const { length } = [...value];
  return length >= Number(minLength) && length <= Number(maxLength);
}

function admitsNumber(schema: JsonSchema, value: number): boolean {
  const { minimum = -Infinity, maximum = Infinity } = schema;
  const { exclusiveMinimum = -Infinity, exclusiveMaximum = Infinity } = schema;
  return (
    value >= Number(minimum) &&
    value <= Number(maximum) &&
    value > Number(exclusiveMinimum) &&
    value < Number(exclusiveMaximum)
  );
}
