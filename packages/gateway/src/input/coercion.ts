/**
 * From the text of a path segment, query parameter or header to the JSON value that the operation's input schema asks
 * for. Only forms that are beyond doubt are turned (a plain integer, a JSON number, `true`, `false`); any other text
 * stays text, and the service's own validation says what is wrong with it.
 */
import type { JsonSchema } from 'flotilla';

export interface Coercer {
  /** The schema takes an array: a query parameter may then be repeated. */
  readonly repeatable: boolean;
  /** One text as a value. */
  one(text: string): unknown;
}

interface Forms {
  /** Any string will do. */
  text: boolean;
  /** Exactly these strings will do. */
  readonly words: Set<string>;
  integer: boolean;
  number: boolean;
  boolean: boolean;
  items: JsonSchema | undefined;
}

const integerPattern = /^-?(?:0|[1-9][0-9]{0,15})$/;
const numberPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?$/;

/**
 * @param schema schema of the field.
 * @param root the schema it is part of, in which `#/…` references are looked up.
 */
export function compileCoercer(schema: JsonSchema | undefined, root: JsonSchema): Coercer {
  const forms = formsOf(schema, root);
  if (forms.items) {
    const item = formsOf(forms.items, root);
    return { repeatable: true, one: (text) => coerce(text, item) };
  }
  return { repeatable: false, one: (text) => coerce(text, forms) };
}

function coerce(text: string, forms: Forms): unknown {
  if (forms.text || forms.words.has(text)) return text;
  if (forms.integer && integerPattern.test(text)) {
    const value = Number(text);
    if (Number.isSafeInteger(value)) return value;
  }
  if (forms.number && numberPattern.test(text)) {
    const value = Number(text);
    if (Number.isFinite(value)) return value;
  }
  if (forms.boolean && (text === 'true' || text === 'false')) return text === 'true';
  return text;
}

function formsOf(schema: JsonSchema | undefined, root: JsonSchema): Forms {
  const forms: Forms = {
    text: false,
    words: new Set(),
    integer: false,
    number: false,
    boolean: false,
    items: undefined,
  };
  if (schema) collect(schema, root, forms, 0);
  return forms;
}

function collect(schema: JsonSchema, root: JsonSchema, forms: Forms, depth: number): void {
  // A schema may refer to itself; nothing that fits into one text nests this deep.
  if (depth > 16) return;
  if (typeof schema.$ref === 'string') {
    const target = resolveReference(schema.$ref, root);
    if (target) collect(target, root, forms, depth + 1);
  }
  for (const keyword of ['anyOf', 'oneOf', 'allOf'] as const) {
    const branches = schema[keyword];
    if (Array.isArray(branches))
      for (const branch of branches) collect(branch as JsonSchema, root, forms, depth + 1);
  }
  const constants = 'const' in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : undefined;
  if (constants) {
    for (const constant of constants) {
      if (typeof constant === 'string') forms.words.add(constant);
      else if (typeof constant === 'boolean') forms.boolean = true;
      else if (typeof constant === 'number') forms.number = true;
    }
    return;
  }
  const types = Array.isArray(schema.type) ? schema.type : [schema.type];
  if (types.includes('string')) forms.text = true;
  if (types.includes('integer')) forms.integer = true;
  if (types.includes('number')) forms.number = true;
  if (types.includes('boolean')) forms.boolean = true;
  if (types.includes('array')) forms.items = isSchema(schema.items) ? schema.items : {};
}

/** Follows a reference within the document: `#` or `#/$defs/Name`. */
export function resolveReference(reference: string, root: JsonSchema): JsonSchema | undefined {
  if (reference === '#') return root;
  if (!reference.startsWith('#/')) return undefined;
  let at: unknown = root;
  for (const part of reference.slice(2).split('/')) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Record<string, unknown>)[key];
  }
  return isSchema(at) ? at : undefined;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
