/**
 * A consistent-hash ring (Karger et al., "Consistent Hashing and Random Trees", 1997): each candidate owns points on it
 * in proportion to its weight, a key belongs to the owner of the next point. The points of a candidate depend on its id
 * and weight alone, so that only the keys of a candidate that leaves move.
 */
import type { Candidate } from './candidate.ts';

/** Spread of the shares is about 1/√points. */
const pointsPerWeight = 160;
const mostPoints = 4_096;

export class HashRing {
  /** Ascending. */
  readonly #points: Uint32Array;
  /** Index of the candidate that owns each point. */
  readonly #owners: Uint32Array;

  constructor(candidates: readonly Candidate[]) {
    const points: { at: number; owner: number }[] = [];
    for (const [owner, { id, weight }] of candidates.entries()) {
      const count = Math.min(mostPoints, Math.max(1, Math.round(weight * pointsPerWeight)));
      for (let n = 0; n < count; n++) points.push({ at: hash32(`${id}#${n}`), owner });
    }
    // Two points at one place: the lower id owns it, whatever the order of the array.
    points.sort((a, b) => a.at - b.at || (candidates[a.owner]!.id < candidates[b.owner]!.id ? -1 : 1));
    this.#points = Uint32Array.from(points, ({ at }) => at);
    this.#owners = Uint32Array.from(points, ({ owner }) => owner);
  }

  get size(): number {
    return this.#owners.length;
  }

  /** Position of the first point at or after the key. */
  position(key: string): number {
    const at = hash32(key);
    const points = this.#points;
    let low = 0;
    let high = points.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (points[middle]! >= at) high = middle;
      else low = middle + 1;
    }
    return low === points.length ? 0 : low;
  }

  /** Index of the candidate that owns the point at a position. */
  owner(position: number): number {
    return this.#owners[position]!;
  }
}

/** FNV-1a over the UTF-16 code units, with the finaliser of MurmurHash3 for an even spread of keys that are alike. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    hash = Math.imul(hash ^ (unit & 0xff), 0x01000193);
    hash = Math.imul(hash ^ (unit >>> 8), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
