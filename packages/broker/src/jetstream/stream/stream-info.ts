/** What the API tells of a stream, with the members and names of nats-server. */
import { NO_TIME, timestamp } from '../timestamp.ts';
import type { Stream } from './stream.ts';

export interface StateDetails {
  /** Messages by subject. */
  readonly subjects?: Readonly<Record<string, number>>;
  /** Sequences that are missing between the first and the last. */
  readonly deleted?: readonly number[];
}

export function streamInfo(stream: Stream, details: StateDetails = {}): Readonly<Record<string, unknown>> {
  return {
    config: stream.config,
    created: timestamp(stream.createdUs),
    state: streamState(stream, details),
  };
}

function streamState(
  { log, consumers }: Stream,
  { subjects, deleted }: StateDetails,
): Readonly<Record<string, unknown>> {
  const { first, lastSequence, messages } = log;
  const numSubjects = log.subjects.count;
  const numDeleted = deletedCount(messages, log.firstSequence, lastSequence);
  return {
    messages,
    bytes: log.bytes,
    first_seq: lastSequence === 0 ? 0 : log.firstSequence,
    first_ts: first === undefined ? NO_TIME : timestamp(first.timeUs),
    last_seq: lastSequence,
    last_ts: timestamp(log.lastTimeUs),
    ...(numSubjects > 0 && { num_subjects: numSubjects }),
    ...(subjects !== undefined && Object.keys(subjects).length > 0 && { subjects }),
    ...(numDeleted > 0 && { num_deleted: numDeleted }),
    ...(deleted !== undefined && deleted.length > 0 && { deleted }),
    consumer_count: consumers.count,
  };
}

/** Sequences between first and last that are not stored. */
export function deletedCount(messages: number, first: number, last: number): number {
  return messages === 0 ? 0 : last - first + 1 - messages;
}
