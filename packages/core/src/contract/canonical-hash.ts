/**
 * The stable hash of a contract: the same for two contracts between which no caller could tell a difference.
 * Documentation and the order of members, properties and enumerations do not count.
 */
import { createHash } from 'node:crypto';

const documentation = new Set([
  'title',
  'description',
  'summary',
  'examples',
  '$comment',
  'deprecated',
  '$schema',
  '$id',
]);
/** Keywords whose keys are names given by the author, so that a field called `title` still counts. */
const namedMembers = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependentSchemas',
  'operations',
  'events',
  'errors',
  'headers',
]);
/** Arrays that are sets. */
const sets = new Set(['required', 'enum', 'type', 'anyOf', 'oneOf', 'allOf', 'scopes', 'query']);
/** Keywords whose value is data, to be taken as it is. */
const data = new Set(['const', 'default']);

/** Sixteen hexadecimal digits of SHA-256 over the canonical form. */
export function canonicalHash(document: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(document, 'schema')))
    .digest('hex')
    .slice(0, 16);
}

function canonical(value: unknown, as: 'schema' | 'names' | 'data'): unknown {
  if (Array.isArray(value)) return value.map((item) => canonical(item, as));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key, item]) => item !== undefined && (as !== 'schema' || !documentation.has(key)))
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([key, item]): [string, unknown] => {
      if (as === 'data' || (as === 'schema' && data.has(key))) return [key, canonical(item, 'data')];
      if (as === 'names') return [key, canonical(item, 'schema')];
      if (namedMembers.has(key)) return [key, canonical(item, 'names')];
      const inner = canonical(item, key === 'enum' ? 'data' : 'schema');
      return [key, sets.has(key) && Array.isArray(inner) ? sorted(inner) : inner];
    });
  return Object.fromEntries(entries);
}

function sorted(items: unknown[]): unknown[] {
  return items
    .map((item) => [JSON.stringify(item), item] as const)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    .map(([, item]) => item);
}
