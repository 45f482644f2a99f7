/** The stream of dead letters, read through. */
import type { JetStreamApi } from '../jetstream/api.ts';
import { errorNumber, numberOf } from '../jetstream/api-error.ts';
import type { Topology } from '../topology.ts';
import { type DeadLetter, type DeadLetterFilter, matches, readDeadLetter } from './dead-letter.ts';
import { readMessages } from './read-messages.ts';

/**
 * Those that match and are there at the call, the oldest first. One that dies again while they are read is not read again: a
 * redrive of what fails at once would have no end.
 */
export async function* deadLetters(
  api: JetStreamApi,
  topology: Topology,
  filter: DeadLetterFilter = {},
): AsyncGenerator<DeadLetter, void, undefined> {
  const { group, service, event, since } = filter;
  const stream = topology.deadLetterStream;
  const last = await lastSequence(api, stream);
  const places = placesOf(filter);
  const end = places === undefined ? last : Math.min(last, Math.max(...places));
  const first = places === undefined ? 1 : Math.min(...places);
  if (first > end) return;
  const messages = readMessages(api, {
    stream,
    filter: topology.deadLetterSubject(service, group, event),
    from: since === undefined || places !== undefined ? { sequence: first } : { time: since },
  });
  for await (const message of messages) {
    if (message.sequence > end) return;
    const letter = readDeadLetter(topology, message);
    if (letter !== undefined && matches(letter, filter)) yield letter;
  }
}

/** Where letters are named by their places alone, there is nothing to look for elsewhere. */
function placesOf({ ids, sequences }: DeadLetterFilter): readonly number[] | undefined {
  return ids === undefined && sequences !== undefined && sequences.length > 0 ? sequences : undefined;
}

/** 0 where nothing has died yet. */
async function lastSequence(api: JetStreamApi, stream: string): Promise<number> {
  try {
    const { state } = await api.streamInfo(stream);
    return state.messages === 0 ? 0 : state.last_seq;
  } catch (error) {
    if (numberOf(error) !== errorNumber.streamNotFound) throw error;
    return 0;
  }
}
