/**
 * The hash chain over all transfers: each hash covers the one before it and the whole content of its transfer, so that
 * who knows the latest hash can prove every transfer before it, and no row can be changed, added or removed unseen.
 */
import { createHash } from 'node:crypto';
import type { Transfer } from './transfer.ts';

/** The hash before the first transfer. */
export const genesisHash = '0'.repeat(64);

/**
 * SHA-256, in hexadecimal, of the JSON text of `[previous, number, id, time, [[account, asset, amount], …]]`, with
 * amounts as decimal text and no white space. Part of the stored format.
 */
export function chainHash(previous: string, number: number, { id, time, entries }: Transfer): string {
  const content = [
    previous,
    number,
    id,
    time,
    entries.map(({ account, asset, amount }) => [account, asset, String(amount)]),
  ];
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
