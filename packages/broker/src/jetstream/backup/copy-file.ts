/** Copies a file that others write to disk beside: in pieces, each on disk before the next, so that their flushes do not wait for all of it. */
import { open } from 'node:fs/promises';

const PIECE = 1024 * 1024;
/** Bytes after which what was written has to reach the disk. */
const FLUSH_EVERY = 8 * PIECE;

/**
 * Reads up to the length that the file has at the call. The copy is on disk when it resolves.
 *
 * @param to must not exist; it will be readable by its owner only.
 */
export async function copyFile(from: string, to: string): Promise<number> {
  await using source = await open(from, 'r');
  await using target = await open(to, 'wx', 0o600);
  const { size } = await source.stat();
  const piece = Buffer.allocUnsafe(Math.min(PIECE, Math.max(1, size)));
  let unflushed = 0;
  let at = 0;
  while (at < size) {
    const { bytesRead } = await source.read(piece, 0, Math.min(piece.length, size - at), at);
    if (bytesRead === 0) break;
    await target.write(piece, 0, bytesRead, at);
    at += bytesRead;
    unflushed += bytesRead;
    if (unflushed >= FLUSH_EVERY) {
      await target.datasync();
      unflushed = 0;
    }
  }
  await target.sync();
  return at;
}

/** A name in a directory is on disk only when the directory is. */
export async function syncDirectory(directory: string): Promise<void> {
  await using handle = await open(directory, 'r');
  await handle.sync();
}
