/** Numbers for names that come again and again: attribute keys, event names, error codes. Bounded, never forgets. */

/** Longer names are hardly the same twice; they are not worth a place. */
const LONGEST = 200;

export class NameTable {
  readonly #limit: number;
  readonly #numbers = new Map<string, number>();
  readonly #names: string[] = [''];

  /** @param limit how many names it takes. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#numbers.size;
  }

  /** The number of a name, from 1; 0 when the table is full or the name too long: it has to be written out then. */
  numberOf(name: string): number {
    return this.#numbers.get(name) ?? this.#add(name);
  }

  nameOf(number: number): string {
    return this.#names[number] ?? '';
  }

  #add(name: string): number {
    if (this.#numbers.size >= this.#limit || name.length > LONGEST) return 0;
    const number = this.#names.length;
    this.#names.push(name);
    this.#numbers.set(name, number);
    return number;
  }
}
