/** A JSON Schema as a person writes a type: `{ symbol: string, depth?: integer }`. Constraints are left to `--json`. */

export function schemaText(schema: unknown, definitions: unknown = definitionsOf(schema), depth = 0): string {
  if (schema === true || !isObject(schema)) return 'any';
  if (depth > 6) return '…';
  const below = (inner: unknown): string => schemaText(inner, definitions, depth + 1);
  if (typeof schema.$ref === 'string') {
    const name = schema.$ref.split('/').at(-1) ?? '';
    const target = isObject(definitions) ? definitions[name] : undefined;
    return target === undefined ? name : below(target);
  }
  if ('const' in schema) return JSON.stringify(schema.const);
  if (Array.isArray(schema.enum)) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  const alternatives = schema.anyOf ?? schema.oneOf;
  if (Array.isArray(alternatives)) return alternatives.map(below).join(' | ');
  if (Array.isArray(schema.allOf)) return schema.allOf.map(below).join(' & ');
  if (Array.isArray(schema.type)) return schema.type.join(' | ');
  if (schema.type === 'array') return arrayText(schema, below);
  if (schema.type === 'object' || isObject(schema.properties)) return objectText(schema, below);
  return typeof schema.type === 'string' ? schema.type : 'any';
}

type Fields = Readonly<Record<string, unknown>>;

function arrayText(schema: Fields, below: (inner: unknown) => string): string {
  if (Array.isArray(schema.prefixItems)) return `[${schema.prefixItems.map(below).join(', ')}]`;
  const item = below(schema.items);
  return item.includes(' | ') || item.includes(' & ') ? `(${item})[]` : `${item}[]`;
}

function objectText(schema: Fields, below: (inner: unknown) => string): string {
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : [];
  if (properties.length === 0) {
    return isObject(schema.additionalProperties) ? `{ [key]: ${below(schema.additionalProperties)} }` : '{}';
  }
  const required = Array.isArray(schema.required) ? schema.required : [];
  const fields = properties.map(
    ([name, inner]) => `${name}${required.includes(name) ? '' : '?'}: ${below(inner)}`,
  );
  return `{ ${fields.join(', ')} }`;
}

function definitionsOf(schema: unknown): unknown {
  return isObject(schema) ? (schema.$defs ?? schema.definitions) : undefined;
}

function isObject(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
