/**
 * What a checkpoint means in the stream that has its stream's name now. A stream may have been removed and made anew, by hand or with
 * the broker's data, or set back to an earlier end, by a backup or a loss of power: a checkpoint beyond its end would let a reader
 * wait for messages that are long there under lower sequences.
 */
import type { StreamInfo } from './api.ts';

/** `begins`: nothing was read of it. `goes on`: behind the checkpoint. */
export type Continuity = 'begins' | 'goes on' | 'made anew' | 'set back';

/**
 * @param stream by which the checkpoint's stream is known: when it was made. Undefined where that is not kept.
 * @param sequence of the checkpoint; below 0: there is none.
 */
export function continuityOf(
  { stream, sequence }: { readonly stream: string | undefined; readonly sequence: number },
  { created, state }: Pick<StreamInfo, 'created' | 'state'>,
): Continuity {
  if (sequence < 0) return 'begins';
  if (stream !== undefined && stream !== created) return 'made anew';
  return sequence > state.last_seq ? 'set back' : 'goes on';
}
