/**
 * `$JS.API.DIRECT.GET.<stream>` and `….<stream>.<subject>`: the stored message itself as the answer, for streams that
 * allow it. What goes wrong is told by a status in the header (NATS ADR-31).
 */
import { fromWireText, toWireText } from '../../protocol/wire-text.ts';
import type { LocalClient } from '../../routing/local-client.ts';
import { statusBlock, withHeaders } from '../header-block.ts';
import type { Commits } from '../store/commits.ts';
import { DamagedRecord } from '../store/damaged-record.ts';
import { parseObject } from '../stream/read-config.ts';
import type { StoredMessage } from '../stream/stored-message.ts';
import type { Stream } from '../stream/stream.ts';
import { SubjectFilter } from '../stream/subject-filter.ts';
import { timestamp } from '../timestamp.ts';
import { ApiError } from './api-error.ts';
import { findMessage, type WantedMessage, wantedMessage } from './message-api.ts';
import type { StreamDirectory } from './stream-directory.ts';

const PREFIX = '$JS.API.DIRECT.GET.';
const NO_BODY = Buffer.alloc(0);
const EMPTY = statusBlock(408, 'Empty Request');
const MALFORMED = statusBlock(408, 'Malformed Request');
const BAD = statusBlock(408, 'Bad Request');
const NOT_FOUND = statusBlock(404, 'Message Not Found');

/** Begins to answer. */
export function openDirectGet(
  client: LocalClient,
  commits: Commits,
  directory: StreamDirectory,
  damaged: (error: DamagedRecord) => void,
): void {
  const answer = (reply: string, headers: Buffer, body: Buffer): void =>
    commits.afterCommit(() => client.publish(reply, body, { headers }));

  client.subscribe(`${PREFIX}>`, (subject, reply, _headers, body) => {
    if (reply === '') return;
    const wire = toWireText(subject);
    const dot = wire.indexOf('.', PREFIX.length);
    const name = wire.slice(PREFIX.length, dot === -1 ? undefined : dot);
    const stream = directory.get(fromWireText(name));
    // Like the server: a stream that does not allow it has nobody who answers.
    if (stream === undefined || !stream.config.allow_direct) return;
    const wanted = dot === -1 ? parse(body) : lastOf(wire.slice(dot + 1), body);
    if (Buffer.isBuffer(wanted)) answer(reply, wanted, NO_BODY);
    else {
      const { headers, content } = read(stream, wanted, damaged);
      answer(reply, headers, content);
    }
  });
}

/** The message that is asked for, or the status block that is answered. */
function parse(body: Buffer): WantedMessage | Buffer {
  if (body.length === 0) return EMPTY;
  try {
    const members = parseObject(body);
    const wanted = wantedMessage(members);
    if (wanted !== undefined) return wanted;
    return members.seq === undefined &&
      members.last_by_subj === undefined &&
      members.next_by_subj === undefined
      ? EMPTY
      : BAD;
  } catch (error) {
    if (error instanceof ApiError) return MALFORMED;
    throw error;
  }
}

function lastOf(subject: string, body: Buffer): WantedMessage | Buffer {
  return body.length > 0 ? BAD : { lastOf: new SubjectFilter(subject) };
}

function read(
  stream: Stream,
  wanted: WantedMessage,
  damaged: (error: DamagedRecord) => void,
): { headers: Buffer; content: Buffer } {
  try {
    const message = findMessage(stream, wanted);
    if (message === undefined) return { headers: NOT_FOUND, content: NO_BODY };
    return {
      headers: headersOf(stream.name, message),
      content: message.payload.subarray(message.headerLength),
    };
  } catch (error) {
    if (!(error instanceof DamagedRecord)) throw error;
    damaged(error);
    return { headers: statusBlock(500, 'Damaged Message'), content: NO_BODY };
  }
}

function headersOf(stream: string, message: StoredMessage): Buffer {
  return withHeaders(message.payload.subarray(0, message.headerLength), [
    ['Nats-Stream', toWireText(stream)],
    ['Nats-Subject', message.subject],
    ['Nats-Sequence', message.sequence],
    ['Nats-Time-Stamp', timestamp(message.timeUs)],
  ]);
}
