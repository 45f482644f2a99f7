/**
 * Which of some messages a stream has, by reading its tail. Asked for when so much time has passed that the stream would not recognise
 * a repeated id any more.
 */
import type { JetStreamApi } from '../jetstream/api.ts';
import { readMessages } from '../operators/read-messages.ts';
import { header } from '../topology.ts';

/** Messages that are read at most: a stream that has got more since then is not asked in vain for minutes. */
const mostRead = 200_000;
/** By so much the clocks of this machine and the broker's may differ. */
const clockSkewMs = 5_000;

/**
 * @param ids those that are looked for.
 * @param sinceMs when the oldest of them was published, in Unix milliseconds.
 * @returns those that are stored, and whether the whole tail was read.
 */
export async function storedIds(
  api: JetStreamApi,
  stream: string,
  filter: string,
  ids: ReadonlySet<string>,
  sinceMs: number,
): Promise<{ readonly stored: ReadonlySet<string>; readonly isComplete: boolean }> {
  const stored = new Set<string>();
  const from = { time: new Date(sinceMs - clockSkewMs) };
  let read = 0;
  for await (const { headers } of readMessages(api, { stream, filter, from, headersOnly: true })) {
    const id = headers.get(header.messageId);
    if (id !== undefined && ids.has(id)) stored.add(id);
    if (stored.size === ids.size) break;
    if (++read === mostRead) return { stored, isComplete: false };
  }
  return { stored, isComplete: true };
}
