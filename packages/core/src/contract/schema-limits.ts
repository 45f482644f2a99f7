/**
 * The keywords of a JSON Schema that limit values without holding schemas to descend into: bounds, patterns, and those
 * that are only compared for being the same. All others (titles, defaults, what authors add) say nothing about values.
 */
import type { JsonSchema } from './document.ts';
import { type JsonType, sameValue } from './schema-values.ts';

type KeywordsByType = Readonly<Partial<Record<JsonType, readonly string[]>>>;

const smallest: KeywordsByType = { string: ['minLength'], array: ['minItems'], object: ['minProperties'] };
const largest: KeywordsByType = { string: ['maxLength'], array: ['maxItems'], object: ['maxProperties'] };
/** What must be the same on both sides, where the read side has it. */
const same: KeywordsByType = {
  string: ['pattern', 'format', 'contentEncoding', 'contentMediaType', 'contentSchema'],
  array: ['uniqueItems', 'contains', 'minContains', 'maxContains', 'unevaluatedItems'],
  object: ['patternProperties', 'dependentRequired', 'dependentSchemas', 'unevaluatedProperties'],
};
const sameForAll = ['not', 'if', 'then', 'else', '$dynamicRef'];
const none: readonly string[] = [];

/** The limits of `read`, in words, that a value of `sent` may exceed. `sent` are schemas that hold at once. */
export function exceededLimits(type: JsonType, sent: readonly JsonSchema[], read: JsonSchema): string[] {
  const exceeded =
    type === 'number' || type === 'integer'
      ? exceededByNumbers(type, sent, read)
      : exceededBySize(type, sent, read);
  for (const keyword of [...sameForAll, ...(same[type] ?? none)]) {
    const limit = read[keyword];
    if (limit === undefined || limit === false || sent.some((one) => sameValue(one[keyword], limit)))
      continue;
    exceeded.push(keyword);
  }
  return exceeded.map((keyword) => `${keyword} ${JSON.stringify(read[keyword])}`);
}

function exceededBySize(type: JsonType, sent: readonly JsonSchema[], read: JsonSchema): string[] {
  return [
    ...(smallest[type] ?? none).filter((keyword) => numberOf(read, keyword, 0) > highest(sent, keyword, 0)),
    ...(largest[type] ?? none).filter(
      (keyword) => numberOf(read, keyword, Infinity) < lowest(sent, keyword, Infinity),
    ),
  ];
}

function exceededByNumbers(
  type: 'number' | 'integer',
  sent: readonly JsonSchema[],
  read: JsonSchema,
): string[] {
  const exceeded: string[] = [];
  const low = highest(sent, 'minimum', -Infinity);
  const above = highest(sent, 'exclusiveMinimum', -Infinity);
  const high = lowest(sent, 'maximum', Infinity);
  const below = lowest(sent, 'exclusiveMaximum', Infinity);
  const whole = type === 'integer';
  // The next integer after an excluded bound is included.
  const first = Math.max(low, whole ? Math.floor(above) + 1 : above);
  const last = Math.min(high, whole ? Math.ceil(below) - 1 : below);
  if (first < numberOf(read, 'minimum', -Infinity)) exceeded.push('minimum');
  if (last > numberOf(read, 'maximum', Infinity)) exceeded.push('maximum');
  const readAbove = numberOf(read, 'exclusiveMinimum', -Infinity);
  const readBelow = numberOf(read, 'exclusiveMaximum', Infinity);
  if (first < readAbove || (first === readAbove && above < first && first > -Infinity)) {
    exceeded.push('exclusiveMinimum');
  }
  if (last > readBelow || (last === readBelow && below > last && last < Infinity)) {
    exceeded.push('exclusiveMaximum');
  }
  const step = numberOf(read, 'multipleOf', 0);
  const isStep = (one: JsonSchema) => isMultiple(numberOf(one, 'multipleOf', whole ? 1 : Number.NaN), step);
  if (step > 0 && !sent.some(isStep)) exceeded.push('multipleOf');
  return exceeded;
}

function isMultiple(value: number, step: number): boolean {
  const times = value / step;
  return Math.abs(times - Math.round(times)) < 1e-9;
}

function numberOf(schema: JsonSchema, keyword: string, otherwise: number): number {
  const value = schema[keyword];
  return typeof value === 'number' ? value : otherwise;
}

function highest(schemas: readonly JsonSchema[], keyword: string, otherwise: number): number {
  return Math.max(...schemas.map((one) => numberOf(one, keyword, otherwise)));
}

function lowest(schemas: readonly JsonSchema[], keyword: string, otherwise: number): number {
  return Math.min(...schemas.map((one) => numberOf(one, keyword, otherwise)));
}
