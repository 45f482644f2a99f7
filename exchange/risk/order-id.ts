/**
 * Ids for orders: unique without asking anybody, and later ones sort behind earlier ones, so that indexes grow at their
 * end. `o`, 48 bits of time and 80 of chance, in Crockford's base 32.
 */
import { randomFillSync } from 'node:crypto';

const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz';
const TIME_DIGITS = 10;
const RANDOM_DIGITS = 16;

export interface OrderIdSource {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Fills the array with chance. */
  readonly random?: (bytes: Uint8Array) => void;
}

export function orderIds({ now, random = randomFillSync }: OrderIdSource): () => string {
  const bytes = new Uint8Array(RANDOM_DIGITS);
  return () => {
    random(bytes);
    let time = now();
    let head = '';
    for (let digit = 0; digit < TIME_DIGITS; digit++) {
      head = ALPHABET[time % 32]! + head;
      time = Math.floor(time / 32);
    }
    let tail = '';
    for (const byte of bytes) tail += ALPHABET[byte & 31]!;
    return `o${head}${tail}`;
  };
}
