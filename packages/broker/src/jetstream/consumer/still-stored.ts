/** Whether a message still exists. One that is damaged does: it stays until somebody deletes it. */
import { DamagedRecord } from '../store/damaged-record.ts';
import type { ConsumerStream } from '../stream/consumer-stream.ts';

export function isStillStored(stream: ConsumerStream, sequence: number): boolean {
  try {
    return stream.load(sequence) !== undefined;
  } catch (error) {
    if (error instanceof DamagedRecord) return true;
    throw error;
  }
}
