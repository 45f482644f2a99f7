/**
 * Moves a JSON Schema that stands alone into an OpenAPI document: `#` in its references means the schema's own root,
 * which is a component there. OpenAPI 3.1 schemas are JSON Schema 2020-12, so nothing else has to change.
 */
import type { JsonSchema } from 'flotilla';

/** @param root where the schema's root will be, such as `#/components/schemas/ledger.hold.Input`. */
export function relocate(schema: JsonSchema, root: string): JsonSchema {
  return walk(schema, root) as JsonSchema;
}

function walk(value: unknown, root: string): unknown {
  if (Array.isArray(value)) return value.map((item) => walk(item, root));
  if (typeof value !== 'object' || value === null) return value;
  const copy: Record<string, unknown> = {};
  for (const [key, member] of Object.entries(value)) {
    if (key === '$ref' && typeof member === 'string' && member.startsWith('#'))
      copy[key] = root + member.slice(1);
    else if (key === 'default' || key === 'const' || key === 'enum' || key === 'examples') copy[key] = member;
    else if (key !== '$schema' && key !== '$id') copy[key] = walk(member, root);
  }
  return copy;
}
