/** Reading JSON Schemas (draft 2020-12) as contracts need them: following references, and knowing a value's fields. */
import type { JsonSchema } from './document.ts';

/** What a local reference (`#`, `#/$defs/Name`) points at within `root`, or undefined. */
export function resolveReference(root: JsonSchema, reference: unknown): JsonSchema | undefined {
  if (typeof reference !== 'string' || !/^#(\/|$)/.test(reference)) return undefined;
  let node: unknown = root;
  for (const segment of reference.split('/').slice(1)) {
    // RFC 6901 §4: `~1` is a slash, `~0` a tilde.
    const key = percentDecoded(segment).replaceAll('~1', '/').replaceAll('~0', '~');
    node = isObject(node) && Object.hasOwn(node, key) ? node[key] : undefined;
  }
  return isObject(node) ? node : undefined;
}

export interface Fields {
  readonly names: readonly string[];
  /** Whether the value may have fields that the schema does not name. */
  readonly open: boolean;
}

/**
 * The fields that an object of this schema may have, those of every branch of a union included. Undefined when the
 * schema admits no object at all.
 */
export function fieldsOf(root: JsonSchema): Fields | undefined {
  const names = new Set<string>();
  let open = false;
  const visited = new Set<JsonSchema>();
  const visit = (schema: JsonSchema): boolean => {
    if (visited.has(schema)) return true;
    visited.add(schema);
    const target = resolveReference(root, schema.$ref);
    if (target) return visit(target);
    const parts = ['anyOf', 'oneOf', 'allOf'].flatMap((keyword) => {
      const branches = schema[keyword];
      return Array.isArray(branches) ? branches.filter(isObject) : [];
    });
    const { type, properties, additionalProperties } = schema;
    if (type !== undefined && type !== 'object' && !(Array.isArray(type) && type.includes('object')))
      return false;
    for (const name of Object.keys(isObject(properties) ? properties : {})) names.add(name);
    if (isObject(additionalProperties) || additionalProperties === true) open = true;
    if (parts.length === 0) {
      if (!isObject(properties) && additionalProperties !== false) open = true;
      return true;
    }
    return parts.map(visit).some((object) => object);
  };
  return visit(root) ? { names: [...names], open } : undefined;
}

/** A fragment is percent-encoded, but not every library does so: what is no encoding stays as it is. */
function percentDecoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

export function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
