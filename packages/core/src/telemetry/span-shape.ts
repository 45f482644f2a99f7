/**
 * What spans of one kind of work have in common: name, kind, attributes that never differ. It is prepared once (one per
 * operation, say), and a span says which it is by a number.
 */
import type { Attributes, SpanKind } from './span-record.ts';

export interface SpanShape {
  /** Its place in the table; 0: it has none, and spans carry name and kind themselves. */
  readonly index: number;
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
}

/** Longer names are made up for one span; they are not worth a place. */
const LONGEST_NAME = 200;
const noAttributes: Attributes = {};

export class ShapeTable {
  readonly #limit: number;
  readonly #shapes: SpanShape[] = [{ index: 0, name: '', kind: 'internal', attributes: noAttributes }];

  /** @param limit how many shapes it takes; those beyond get the index 0. At most 65,535. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#shapes.length - 1;
  }

  add(name: string, kind: SpanKind, attributes: Attributes = noAttributes): SpanShape {
    const index = this.size < this.#limit && name.length <= LONGEST_NAME ? this.#shapes.length : 0;
    const shape: SpanShape = { index, name, kind, attributes };
    if (index > 0) this.#shapes.push(shape);
    return shape;
  }

  at(index: number): SpanShape {
    return this.#shapes[index] ?? this.#shapes[0]!;
  }
}
