/** `$JS.API.STREAM.…`: creating, changing, describing, listing and deleting streams. */

import { isSubscribable } from '../../protocol/subject.ts';
import { fromWireText, toWireText } from '../../protocol/wire-text.ts';
import type { JetStreamContext } from '../context.ts';
import type { Steps } from '../steps.ts';
import { sameConfig } from '../stream/change-config.ts';
import { DeletedSequences } from '../stream/deleted-sequences.ts';
import { parseObject, readConfig, requireOneReplica } from '../stream/read-config.ts';
import type { Stream } from '../stream/stream.ts';
import { type StateDetails, streamInfo } from '../stream/stream-info.ts';
import { overlap, SubjectFilter } from '../stream/subject-filter.ts';
import { apiError } from './api-error.ts';
import type { ApiAnswer, ApiRequest, ApiResult } from './api-request.ts';
import { nameIn, optionalBody, requireNoBody, streamIn, text, wholeNumber } from './request-body.ts';
import type { StreamDirectory } from './stream-directory.ts';

const NAMES_LIMIT = 1024;
const LIST_LIMIT = 256;
const SUBJECTS_LIMIT = 100_000;

type Action = 'create' | 'delete' | 'modify';
const EVENTS: Readonly<Record<Action, string>> = { create: 'CREATED', delete: 'DELETED', modify: 'UPDATED' };

export function registerStreamApi(context: JetStreamContext, directory: StreamDirectory, steps: Steps): void {
  const advise = (stream: string, action: Action): void =>
    context.advise(`STREAM.${EVENTS[action]}.${stream}`, 'stream_action', { stream, action });

  context.handle('STREAM.CREATE', 'stream_create_response', (request) => {
    const config = readConfig(parseObject(request.body), nameIn(request, 2));
    requireOneReplica(config);
    if (config.sealed) {
      throw apiError('streamInvalidConfig', 'stream configuration for create can not be sealed');
    }
    const existing = directory.get(config.name);
    if (existing !== undefined) {
      if (!sameConfig(existing.config, config)) throw apiError('streamNameExists');
      return { ...streamInfo(existing), did_create: true };
    }
    requireFreeSubjects(directory, config.subjects, undefined);
    const stream = directory.create(config);
    advise(config.name, 'create');
    return { ...streamInfo(stream), did_create: true };
  });

  context.handle('STREAM.UPDATE', 'stream_update_response', (request) => {
    const config = readConfig(parseObject(request.body), nameIn(request, 2));
    const stream = streamIn(directory, request, 2);
    requireFreeSubjects(directory, config.subjects, stream);
    stream.update(config);
    advise(config.name, 'modify');
    return streamInfo(stream);
  });

  context.handle('STREAM.DELETE', 'stream_delete_response', (request) => {
    requireNoBody(request);
    const stream = streamIn(directory, request, 2);
    directory.remove(stream);
    advise(stream.name, 'delete');
    return { success: true };
  });

  context.handle('STREAM.INFO', 'stream_info_response', (request, answer) =>
    describe(directory, request, answer, steps),
  );

  context.handle('STREAM.NAMES', 'stream_names_response', (request) => {
    const { page, ...paging } = pageOf(directory, request, NAMES_LIMIT);
    return { ...paging, streams: page.length === 0 ? null : page.map(({ name }) => name) };
  });

  context.handle('STREAM.LIST', 'stream_list_response', (request) => {
    const { page, ...paging } = pageOf(directory, request, LIST_LIMIT);
    return { ...paging, streams: page.map((stream) => streamInfo(stream)) };
  });
}

function requireFreeSubjects(
  directory: StreamDirectory,
  subjects: readonly string[],
  except: Stream | undefined,
): void {
  for (const other of directory.all()) {
    if (other === except) continue;
    const taken = other.config.subjects.some((one) =>
      subjects.some((subject) => overlap(toWireText(one), toWireText(subject))),
    );
    if (taken) throw apiError('streamSubjectOverlap');
  }
}

function describe(
  directory: StreamDirectory,
  request: ApiRequest,
  answer: ApiAnswer,
  steps: Steps,
): ApiResult | undefined {
  const body = optionalBody(request);
  const filter = text(body, 'subjects_filter');
  const stream = streamIn(directory, request, 2);
  let details: StateDetails = {};
  let paging = { total: 0, offset: 0, limit: 0 };
  if (filter !== '') {
    const counts = subjectCounts(stream, filter, wholeNumber(body, 'offset'));
    details = { subjects: counts.subjects };
    if (counts.total > 0) paging = { total: counts.total, offset: counts.offset, limit: SUBJECTS_LIMIT };
  }
  if (body.deleted_details !== true) return { ...paging, ...streamInfo(stream, details) };
  const missing = new DeletedSequences(stream.log);
  const found = (): ApiResult => ({
    ...paging,
    ...streamInfo(stream, { ...details, deleted: missing.sequences }),
  });
  if (missing.step()) return found();
  steps.run(() => {
    if (!missing.step()) return false;
    answer.respond(found());
    return true;
  });
  return undefined;
}

function subjectCounts(
  stream: Stream,
  filter: string,
  from: number,
): { subjects: Record<string, number>; total: number; offset: number } {
  const wire = toWireText(filter);
  const subjects: [string, number][] = [];
  let total = 0;
  if (isSubscribable(wire)) {
    for (const { subject, messages } of stream.log.subjects.matching(new SubjectFilter(wire))) {
      if (total >= from && subjects.length < SUBJECTS_LIMIT) subjects.push([fromWireText(subject), messages]);
      total++;
    }
  }
  return { subjects: Object.fromEntries(subjects), total, offset: Math.min(from, total) };
}

function pageOf(
  directory: StreamDirectory,
  request: ApiRequest,
  limit: number,
): { page: Stream[]; total: number; offset: number; limit: number } {
  const body = optionalBody(request);
  const subject = toWireText(text(body, 'subject'));
  const matching = directory
    .all()
    .filter(
      ({ config }) => subject === '' || config.subjects.some((one) => overlap(toWireText(one), subject)),
    );
  const offset = Math.min(wholeNumber(body, 'offset'), matching.length);
  return { page: matching.slice(offset, offset + limit), total: matching.length, offset, limit };
}
