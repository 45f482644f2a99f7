/**
 * Whether all that one side sends is what the other side can read: a structural comparison of two JSON Schemas (draft
 * 2020-12). It is conservative: what it cannot compare is a difference, unless both sides say the same.
 *
 * A side is read as a list of schemas that hold at once (`allOf`, and what stands beside a reference). The sent side is
 * split by its alternatives and types until one type is left, and each schema of the read side is held against that.
 */
import type { JsonSchema } from './document.ts';
import {
  allTypes,
  anything,
  type Conjunction,
  commonTypes,
  distinct,
  isAnything,
  isNothing,
  itemAt,
  listOf,
  nothing,
  propertiesOf,
  SchemaFlattener,
  sameMembers,
} from './schema-conjunction.ts';
import { exceededLimits } from './schema-limits.ts';
import { admits, isOfType, type JsonType, namedValues, typeOfValue, typesOf } from './schema-values.ts';

/** An input is read by the server; an output by the caller, who ignores fields that it does not know. */
export type Direction = 'input' | 'output';

const ofType: Readonly<Record<JsonType, JsonSchema>> = {
  null: { type: 'null' },
  boolean: { type: 'boolean' },
  integer: { type: 'integer' },
  number: { type: 'number' },
  string: { type: 'string' },
  array: { type: 'array' },
  object: { type: 'object' },
};

/**
 * What of `sent` is not within `read`, each with its place; empty when all of it is.
 *
 * @param at what the whole value is called in the reasons.
 */
export function findExcluded(
  sent: JsonSchema,
  read: JsonSchema,
  direction: Direction,
  at: string = direction,
): string[] {
  return [...new Set(new Inclusion(sent, read, direction).find(at))];
}

class Inclusion {
  readonly #sentRoot: JsonSchema;
  readonly #readRoot: JsonSchema;
  readonly #isInput: boolean;
  /** What each schema of the read side is being held against, further up: recursive types end there. */
  readonly #open = new Map<JsonSchema, readonly Conjunction[]>();
  readonly #sentSchemas: SchemaFlattener;
  readonly #readSchemas: SchemaFlattener;

  constructor(sent: JsonSchema, read: JsonSchema, direction: Direction) {
    this.#sentRoot = sent;
    this.#readRoot = read;
    this.#isInput = direction === 'input';
    // Of references to elsewhere the worst is assumed: anything may be sent, nothing can be read.
    this.#sentSchemas = new SchemaFlattener(sent, anything);
    this.#readSchemas = new SchemaFlattener(read, nothing);
  }

  find(at: string): string[] {
    return this.#fits(this.#sent(this.#sentRoot), this.#readRoot, at);
  }

  #fits(given: Conjunction, read: unknown, at: string): string[] {
    const sent = distinct(given);
    return this.#readSchemas.flatten(read).flatMap((one) => {
      const open = this.#open.get(one) ?? [];
      if (open.some((other) => sameMembers(other, sent))) return [];
      this.#open.set(one, [...open, sent]);
      const reasons = this.#fitsOne(sent, one, at);
      this.#open.set(one, open);
      return reasons;
    });
  }

  #fitsOne(sent: Conjunction, read: JsonSchema, at: string): string[] {
    if (isAnything(read) || sent.some(isNothing)) return [];
    if (isNothing(read)) return [this.#mayBe(this.#outline(sent), at)];
    const values = this.#valuesOf(sent);
    if (values) {
      const refused = values.filter((value) => !admits(this.#readRoot, read, value));
      return refused.map((value) => this.#mayBe(JSON.stringify(value), at));
    }
    for (const [index, schema] of sent.entries()) {
      const keyword = alternativesOf(schema);
      if (!keyword) continue;
      const rest = sent.with(index, this.#sentSchemas.without(schema, keyword));
      return listOf(schema[keyword]).flatMap((branch) =>
        this.#fitsOne([...rest, ...this.#sent(branch)], read, at),
      );
    }
    const types = commonTypes(sent);
    if (types.length === 1) return this.#fitsType(types[0]!, sent, read, at);
    return types.flatMap((type) => this.#fitsType(type, [...sent, ofType[type]], read, at));
  }

  #fitsType(type: JsonType, sent: Conjunction, read: JsonSchema, at: string): string[] {
    if (!isOfType(type, typesOf(read))) return [this.#mayBe(type === 'null' ? 'null' : `any ${type}`, at)];
    const named = namedValues(read);
    if (named && !coversType(type, named)) {
      return [this.#mayExceed(named.map((value) => JSON.stringify(value)).join(', '), at)];
    }
    const reasons = exceededLimits(type, sent, read).map((limit) => this.#mayExceed(limit, at));
    for (const keyword of ['anyOf', 'oneOf']) {
      if (read[keyword] !== undefined) reasons.push(...this.#fitsSome(sent, listOf(read[keyword]), at));
    }
    if (type === 'array') reasons.push(...this.#fitsArray(sent, read, at));
    if (type === 'object') reasons.push(...this.#fitsObject(sent, read, at));
    return reasons;
  }

  /** `oneOf` counts as `anyOf`: the branches of a discriminated union exclude each other. */
  #fitsSome(sent: Conjunction, branches: readonly unknown[], at: string): string[] {
    const near: string[][] = [];
    for (const branch of branches) {
      const reasons = this.#fits(sent, branch, at);
      if (reasons.length === 0) return [];
      if (!this.#isDisjoint(sent, this.#readSchemas.flatten(branch))) near.push(reasons);
    }
    return near.length === 1 ? near[0]! : [this.#mayBe(this.#outline(sent), at)];
  }

  #fitsArray(sent: Conjunction, read: JsonSchema, at: string): string[] {
    const prefix = Math.max(...[read, ...sent].map(({ prefixItems }) => listOf(prefixItems).length));
    const longest = Math.min(...sent.map(({ maxItems }) => Number(maxItems ?? Infinity)));
    const reasons: string[] = [];
    for (let index = 0; index <= prefix && index < longest; index++) {
      const items = sent.flatMap((one) => this.#sent(itemAt(one, index)));
      const place = index === prefix ? `${at}[]` : `${at}[${index}]`;
      reasons.push(...this.#fits(items, itemAt(read, index), place));
    }
    return reasons;
  }

  #fitsObject(sent: Conjunction, read: JsonSchema, at: string): string[] {
    const reasons: string[] = [];
    const always = new Set(sent.flatMap(({ required }) => listOf(required)));
    for (const name of listOf(read.required)) {
      if (!always.has(name))
        reasons.push(`${at}.${name}: ${this.#isInput ? 'is required' : 'may be missing'}`);
    }
    const names = new Set([read, ...sent].flatMap((one) => Object.keys(propertiesOf(one))));
    for (const name of names) {
      const field = this.#fieldOf(sent, name);
      if (field) reasons.push(...this.#fitsField(field, read, name, `${at}.${name}`));
    }
    return [...reasons, ...this.#fitsOthers(sent, read, at)];
  }

  #fitsField(sent: Conjunction, read: JsonSchema, name: string, at: string): string[] {
    const properties = propertiesOf(read);
    const isNamed = Object.hasOwn(properties, name);
    const reader = isNamed ? properties[name] : (read.additionalProperties ?? anything);
    if (reader === false && !isNamed && !this.#isInput) return [];
    if (reader !== false && admits(this.#readRoot, read.propertyNames ?? anything, name)) {
      return this.#fits(sent, reader, at);
    }
    return [`${at}: ${this.#isInput ? 'is not accepted' : 'may be there'}`];
  }

  /** The fields that no schema names, as of a record. */
  #fitsOthers(sent: Conjunction, read: JsonSchema, at: string): string[] {
    const others = sent.flatMap(({ additionalProperties }) => additionalProperties ?? []);
    if (others.length === 0 || others.includes(false)) return [];
    const reader = read.additionalProperties ?? anything;
    if (reader === false) return this.#isInput ? [`${at}: does not accept other fields`] : [];
    const names = sent.flatMap(({ propertyNames }) => this.#sent(propertyNames ?? anything));
    return [
      ...this.#fits([ofType.string, ...names], read.propertyNames ?? anything, `${at} (name)`),
      ...this.#fits(
        others.flatMap((one) => this.#sent(one)),
        reader,
        `${at}.*`,
      ),
    ];
  }

  /** What may be sent in a field; undefined where it is not sent. A schema that says nothing of others sends none. */
  #fieldOf(sent: Conjunction, name: string): Conjunction | undefined {
    const given = sent.flatMap((one) => {
      const properties = propertiesOf(one);
      return (Object.hasOwn(properties, name) ? properties[name] : one.additionalProperties) ?? [];
    });
    if (given.length === 0) return undefined;
    const field = given.flatMap((one) => this.#sent(one));
    return field.some(isNothing) ? undefined : field;
  }

  /** The values that may be sent, where they are named one by one. */
  #valuesOf(sent: Conjunction): readonly unknown[] | undefined {
    const named = sent.map(namedValues).find((values) => values !== undefined);
    return named?.filter((value) =>
      sent.every(
        (one) =>
          isOfType(typeOfValue(value), typesOf(one)) &&
          (namedValues(one) === undefined || admits(this.#sentRoot, one, value)),
      ),
    );
  }

  /** Whether the two surely have no value in common: another type, or another value of a field that tells them apart. */
  #isDisjoint(sent: Conjunction, read: Conjunction): boolean {
    const types = commonTypes(read);
    if (!commonTypes(sent).some((type) => isOfType(type, types))) return true;
    return read.some((one) =>
      Object.entries(propertiesOf(one)).some(([name, field]) => {
        const values = this.#valuesOf(this.#fieldOf(sent, name) ?? []);
        return values?.every((value) => !admits(this.#readRoot, field, value)) ?? false;
      }),
    );
  }

  /** What is sent, in few words. */
  #outline(sent: Conjunction): string {
    for (const name of sent.flatMap((one) => Object.keys(propertiesOf(one)))) {
      const values = this.#valuesOf(this.#fieldOf(sent, name) ?? []);
      if (values?.length === 1) return `{ ${name}: ${JSON.stringify(values[0])} }`;
    }
    const types = commonTypes(sent);
    return types.length === allTypes.length ? 'anything' : types.map((type) => `any ${type}`).join(' or ');
  }

  #sent(schema: unknown): Conjunction {
    return this.#sentSchemas.flatten(schema);
  }

  #mayBe(what: string, at: string): string {
    return `${at}: ${this.#isInput ? 'does not accept' : 'may be'} ${what}`;
  }

  #mayExceed(limit: string, at: string): string {
    return `${at}: ${this.#isInput ? 'accepts only' : 'is not limited to'} ${limit}`;
  }
}

function alternativesOf(schema: JsonSchema): 'anyOf' | 'oneOf' | undefined {
  if (Array.isArray(schema.anyOf)) return 'anyOf';
  return Array.isArray(schema.oneOf) ? 'oneOf' : undefined;
}

/** Whether the named values are all that there are of a type. */
function coversType(type: JsonType, named: readonly unknown[]): boolean {
  if (type === 'null') return named.includes(null);
  return type === 'boolean' && named.includes(true) && named.includes(false);
}
