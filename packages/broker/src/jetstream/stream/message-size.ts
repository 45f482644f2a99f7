/**
 * How many bytes a message counts for in a stream's numbers and limits: what nats-server 2.9 counts, so that a limit
 * means the same on both. It is not what the message takes on our disk.
 */
import type { StorageKind } from './stream-config.ts';

/** Length, sequence, time, length of the subject and hash of a record in nats-server's files. */
const FILE_RECORD = 30;
/** Length of the header block. */
const FILE_HEADERS = 4;
const MEMORY_RECORD = 16;

export function messageSize(
  storage: StorageKind,
  subjectLength: number,
  headerLength: number,
  payloadLength: number,
): number {
  const content = subjectLength + payloadLength;
  if (storage === 'memory') return content + MEMORY_RECORD;
  return content + FILE_RECORD + (headerLength > 0 ? FILE_HEADERS : 0);
}
