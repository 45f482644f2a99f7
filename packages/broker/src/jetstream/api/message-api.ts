/** `$JS.API.STREAM.MSG.…`, `$JS.API.STREAM.PURGE`: reading, deleting and purging stored messages. */
import { isSubscribable } from '../../protocol/subject.ts';
import { fromWireText, toWireText } from '../../protocol/wire-text.ts';
import type { JetStreamContext } from '../context.ts';
import { DamagedRecord } from '../store/damaged-record.ts';
import { lastMatching, nextMatch } from '../stream/message-search.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { Stream } from '../stream/stream.ts';
import { SubjectFilter } from '../stream/subject-filter.ts';
import { timestamp } from '../timestamp.ts';
import { type ApiError, apiError } from './api-error.ts';
import { type Body, optionalBody, requiredBody, streamIn, text, wholeNumber } from './request-body.ts';
import type { StreamDirectory } from './stream-directory.ts';

export function registerMessageApi(
  context: JetStreamContext,
  directory: StreamDirectory,
  damaged: (error: DamagedRecord) => void,
): void {
  context.handle('STREAM.MSG.GET', 'stream_msg_get_response', (request) => {
    const wanted = wantedMessage(requiredBody(request));
    if (wanted === undefined) throw apiError('badRequest');
    const stream = streamIn(directory, request, 3);
    try {
      const message = findMessage(stream, wanted);
      if (message === undefined) throw apiError('noMessageFound');
      return { message: storedMessage(message) };
    } catch (error) {
      if (!(error instanceof DamagedRecord)) throw error;
      damaged(error);
      throw apiError('streamGeneral', error.message);
    }
  });

  context.handle('STREAM.MSG.DELETE', 'stream_msg_delete_response', (request) => {
    const sequence = wholeNumber(requiredBody(request), 'seq');
    const stream = streamIn(directory, request, 3);
    if (sequence === 0) throw apiError('badRequest');
    if (!stream.delete(sequence)) throw notDeleted(stream, sequence);
    return { success: true };
  });

  context.handle('STREAM.PURGE', 'stream_purge_response', (request, answer) => {
    const body = optionalBody(request);
    const before = wholeNumber(body, 'seq');
    const keep = wholeNumber(body, 'keep');
    const subject = text(body, 'filter');
    const filter = subject === '' ? undefined : filterOf(subject);
    if (before > 0 && keep > 0) throw apiError('badRequest');
    const stream = streamIn(directory, request, 2);
    // No subject matches a filter that is none. It must not become a purge of everything.
    if (subject !== '' && filter === undefined) return { success: true, purged: 0 };
    stream.purge({ filter, before: before === 0 ? undefined : before, keep }, (purged) =>
      answer.respond({ success: true, purged }),
    );
    return undefined;
  });
}

/** The server's file store has words of its own for what is not between its first and its last message. */
function notDeleted({ config, log }: Stream, sequence: number): ApiError {
  if (config.storage === 'file') {
    if (sequence > log.lastSequence) return apiError('streamMessageDeleteFailed', 'stream store EOF');
    if (sequence < log.firstSequence) return apiError('streamMessageDeleteFailed', 'no message found');
  }
  return apiError('sequenceNotFound', sequence);
}

/** Which message is asked for: by sequence, the last of a subject, or the next of a subject from a sequence on. */
export type WantedMessage =
  | { readonly sequence: number }
  | { readonly lastOf: SubjectFilter }
  | { readonly nextOf: SubjectFilter; readonly from: number };

/** Undefined when the members contradict each other or say nothing. @throws ApiError `invalidJson` */
export function wantedMessage(body: Body): WantedMessage | undefined {
  const sequence = wholeNumber(body, 'seq');
  const last = text(body, 'last_by_subj');
  const next = text(body, 'next_by_subj');
  if (last !== '') {
    const filter = sequence > 0 || next !== '' ? undefined : filterOf(last);
    return filter && { lastOf: filter };
  }
  if (next !== '') {
    const filter = filterOf(next);
    return filter && { nextOf: filter, from: sequence };
  }
  return sequence === 0 ? undefined : { sequence };
}

/** @throws DamagedRecord */
export function findMessage({ log }: Stream, wanted: WantedMessage): StoredMessage | undefined {
  if ('sequence' in wanted) return log.load(wanted.sequence);
  if ('nextOf' in wanted) return nextMatch(log, wanted.from, wanted.nextOf);
  const sequence = lastMatching(log, wanted.lastOf);
  return sequence === 0 ? undefined : log.load(sequence);
}

function filterOf(subject: string): SubjectFilter | undefined {
  const wire = toWireText(subject);
  return isSubscribable(wire) ? new SubjectFilter(wire) : undefined;
}

function storedMessage({ subject, sequence, timeUs, payload, headerLength }: StoredMessage): object {
  const body = payload.subarray(headerLength);
  return {
    subject: fromWireText(subject),
    seq: sequence,
    ...(headerLength > 0 && { hdrs: payload.toString('base64', 0, headerLength) }),
    ...(body.length > 0 && { data: body.toString('base64') }),
    time: timestamp(timeUs),
  };
}
