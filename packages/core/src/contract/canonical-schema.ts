/**
 * The canonical form of a JSON Schema: equal for two schemas that accept the same values by the same keywords.
 * Documentation, the order of members and the names of definitions do not count.
 */
import type { JsonSchema } from './document.ts';
import { isObject, resolveReference } from './json-schema.ts';

/** Keywords that say nothing about which values are valid. Definitions count where they are referred to. */
const ignored = new Set([
  ...['title', 'description', 'examples', 'deprecated', '$comment'],
  ...['$schema', '$id', '$anchor', '$defs', 'definitions'],
]);
/** Keywords whose members are named by the author: a field called `title` counts. */
const schemasByName = new Set(['properties', 'patternProperties', 'dependentSchemas']);
/** Keywords that hold a list of schemas whose order means nothing. */
const schemaSets = new Set(['anyOf', 'oneOf', 'allOf']);
const schemaLists = new Set(['prefixItems']);
const schemas = new Set([
  ...['items', 'contains', 'additionalProperties', 'propertyNames', 'not', 'if', 'then', 'else'],
  ...['unevaluatedItems', 'unevaluatedProperties'],
]);
/** Keywords that hold a list of values whose order means nothing. */
const valueSets = new Set(['required', 'enum', 'type']);

export function canonicalSchema(root: JsonSchema): unknown {
  /** The schemas being written that can be referred to: a recursive reference becomes a number of steps up. */
  const open: JsonSchema[] = [];

  const entered = (schema: JsonSchema): unknown => {
    const at = open.lastIndexOf(schema);
    if (at >= 0) return { $ref: open.length - at };
    open.push(schema);
    const form = members(schema);
    open.pop();
    return form;
  };
  const write = (schema: unknown): unknown => {
    if (!isObject(schema)) return schema;
    const target = resolveReference(root, schema.$ref);
    if (!target) return members(schema);
    const { $ref: _, ...beside } = schema;
    const constraints = members(beside);
    const referred = entered(target);
    return Object.keys(constraints).length === 0 ? referred : { allOf: sortedSet([constraints, referred]) };
  };
  const members = (schema: JsonSchema): Record<string, unknown> => {
    const form: [string, unknown][] = [];
    for (const [keyword, value] of Object.entries(schema)) {
      if (value === undefined || ignored.has(keyword)) continue;
      if (keyword === 'required' && Array.isArray(value) && value.length === 0) continue;
      form.push([keyword, canonicalKeyword(keyword, value)]);
    }
    return sortedObject(form);
  };
  const canonicalKeyword = (keyword: string, value: unknown): unknown => {
    if (schemas.has(keyword)) return write(value);
    if (schemasByName.has(keyword) && isObject(value)) return mapObject(value, write);
    if (keyword === 'dependentRequired' && isObject(value)) return mapObject(value, valueSet);
    if (schemaLists.has(keyword) && Array.isArray(value)) return value.map(write);
    if (schemaSets.has(keyword) && Array.isArray(value)) return sortedSet(value.map(write));
    if (valueSets.has(keyword)) return valueSet(value);
    return canonicalValue(value);
  };
  return entered(root);
}

/** A JSON value with its members in order. Lists keep theirs. */
export function canonicalValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonicalValue);
  return isObject(value) ? mapObject(value, canonicalValue) : value;
}

/** Applies `form` to each member and brings the members into order. */
export function mapObject<T>(value: Readonly<Record<string, T>>, form: (member: T) => unknown): object {
  return sortedObject(Object.entries(value).map(([key, member]): [string, unknown] => [key, form(member)]));
}

/** A list whose order means nothing, in order. */
export function valueSet(value: unknown): unknown {
  return Array.isArray(value) ? sortedSet(value.map(canonicalValue)) : value;
}

function sortedSet(items: unknown[]): unknown[] {
  return items
    .map((item) => [JSON.stringify(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}

function sortedObject(entries: [string, unknown][]): Record<string, unknown> {
  return Object.fromEntries(
    entries.filter(([, value]) => value !== undefined).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)),
  );
}
