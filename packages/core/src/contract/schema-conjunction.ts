/**
 * A JSON Schema as a list of schemas that hold at once: itself, what its references lead to, and its `allOf`. None in the
 * list has a `$ref` or an `allOf` any more, so that each keyword can be looked up in all of them.
 */
import type { JsonSchema } from './document.ts';
import { isObject, resolveReference } from './json-schema.ts';
import { isOfType, type JsonType, typesOf } from './schema-values.ts';

export type Conjunction = readonly JsonSchema[];

export const anything: JsonSchema = {};
export const nothing: JsonSchema = { not: {} };
export const allTypes: readonly JsonType[] = ['null', 'boolean', 'number', 'string', 'array', 'object'];
const noProperties: Readonly<Record<string, unknown>> = {};

/** Flattens the schemas of one document. The same schema always gives the same objects: recursion can be recognised. */
export class SchemaFlattener {
  readonly #root: JsonSchema;
  readonly #unknown: JsonSchema;
  readonly #stripped = new Map<string, WeakMap<JsonSchema, JsonSchema>>();

  /** @param unknown what a reference to elsewhere is taken for. */
  constructor(root: JsonSchema, unknown: JsonSchema) {
    this.#root = root;
    this.#unknown = unknown;
  }

  flatten(schema: unknown, visited: readonly JsonSchema[] = []): Conjunction {
    if (!isObject(schema)) return [schema === false ? nothing : anything];
    if (visited.includes(schema)) return [];
    const flat = [this.without(this.without(schema, '$ref'), 'allOf')];
    const path = [...visited, schema];
    if (schema.$ref !== undefined) {
      flat.push(...this.flatten(resolveReference(this.#root, schema.$ref) ?? this.#unknown, path));
    }
    for (const part of listOf(schema.allOf)) flat.push(...this.flatten(part, path));
    return flat;
  }

  /** The schema but for one keyword. */
  without(schema: JsonSchema, keyword: string): JsonSchema {
    if (schema[keyword] === undefined) return schema;
    const copies = this.#stripped.get(keyword) ?? new WeakMap<JsonSchema, JsonSchema>();
    this.#stripped.set(keyword, copies);
    const known = copies.get(schema);
    if (known) return known;
    const { [keyword]: _, ...copy } = schema;
    copies.set(schema, copy);
    return copy;
  }
}

/** Without repetition, lists stay finite in recursive types, so that each is met again. */
export function distinct(schemas: Conjunction): Conjunction {
  return [...new Set(schemas)].filter((schema) => !isAnything(schema));
}

export function sameMembers(a: Conjunction, b: Conjunction): boolean {
  return a.length === b.length && a.every((schema) => b.includes(schema));
}

export function isAnything(schema: JsonSchema): boolean {
  return Object.keys(schema).length === 0;
}

export function isNothing(schema: JsonSchema): boolean {
  return isObject(schema.not) && isAnything(schema.not);
}

/** The types that all of the schemas admit. */
export function commonTypes(schemas: Conjunction): readonly JsonType[] {
  let common = allTypes;
  for (const schema of schemas) {
    const types = typesOf(schema);
    if (!types) continue;
    const inBoth = common.filter((type) => isOfType(type, types));
    // An integer is a number: of the two it is what both admit.
    const integers = common.includes('number') && types.includes('integer') && !types.includes('number');
    common = integers ? [...inBoth, 'integer'] : inBoth;
  }
  return common;
}

/** The schema of the item at an index of an array. */
export function itemAt({ prefixItems, items = anything }: JsonSchema, index: number): unknown {
  return listOf(prefixItems)[index] ?? items;
}

export function propertiesOf({ properties }: JsonSchema): Readonly<Record<string, unknown>> {
  return isObject(properties) ? properties : noProperties;
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
