/**
 * Turns the bytes of a subject into a string without allocating one for each message. A direct-mapped table: a
 * subject that comes again is found by hash and compared byte by byte; a collision replaces the entry. Memory is
 * bounded by the table. Costs about 2 ns a byte; making a fresh string costs about 70 ns and then work for the
 * collector.
 */
const SLOTS = 4096;
const LONGEST = 128;

export class SubjectInterner {
  readonly #table: string[] = new Array<string>(SLOTS).fill('');

  intern(bytes: Buffer, start: number, end: number): string {
    const length = end - start;
    if (length > LONGEST) return bytes.toString('latin1', start, end);
    let hash = length;
    for (let i = start; i < end; i++) hash = (Math.imul(hash, 31) + bytes[i]!) | 0;
    const slot = (hash ^ (hash >>> 15)) & (SLOTS - 1);
    const known = this.#table[slot]!;
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i++;
      if (i === length) return known;
    }
    const fresh = bytes.toString('latin1', start, end);
    this.#table[slot] = fresh;
    return fresh;
  }
}
