/**
 * A stream's configuration as a client sends it → one that is complete and valid, or the error that nats-server 2.9
 * answers. Members that it does not know are ignored, except `metadata`, which later versions have.
 */
import { isSubscribable } from '../../protocol/subject.ts';
import { toWireText } from '../../protocol/wire-text.ts';
import { apiError } from '../api/api-error.ts';
import { subjectMapping } from './republish.ts';
import type { Placement, Republish, StreamConfig } from './stream-config.ts';
import { overlap } from './subject-filter.ts';

/** Nanoseconds. */
const DEFAULT_WINDOW = 120_000_000_000;
const SHORTEST = 100_000_000;
const LONGEST_NAME = 255;
const LONGEST_DESCRIPTION = 4096;
const MOST_REPLICAS = 5;

type Json = Readonly<Record<string, unknown>>;

/** @throws ApiError `invalidJson` when it is not an object. */
export function parseObject(body: Buffer): Json {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (isObject(value)) return value;
  } catch {
    // Answered below, like every other text that is not an object.
  }
  throw apiError('invalidJson');
}

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * @param given what the client sent.
 * @param name of the stream in the subject of the request.
 * @throws ApiError
 */
export function readConfig(given: Json, name: string): StreamConfig {
  const read = new Reader(given);
  if (read.text('name') !== name) throw apiError('streamMismatch');
  checkName(name);
  const description = read.text('description');
  if (description.length > LONGEST_DESCRIPTION) {
    throw invalid(`stream description is too long, maximum allowed is ${LONGEST_DESCRIPTION}`);
  }
  if (given.mirror !== undefined && given.mirror !== null) {
    throw invalid('stream mirrors are not supported by this server');
  }
  if (Array.isArray(given.sources) && given.sources.length > 0) {
    throw invalid('stream sources are not supported by this server');
  }
  if (read.text('template_owner') !== '') throw apiError('streamCreate', 'stream not owned by template');

  const subjects = read.texts('subjects');
  const discardNewPerSubject = read.flag('discard_new_per_subject');
  const placement = read.object('placement') as Placement | undefined;
  const republish = read.object('republish') as Republish | undefined;
  const metadata = read.object('metadata') as Record<string, string> | undefined;
  const config: StreamConfig = {
    name,
    ...(description !== '' && { description }),
    subjects: subjects.length === 0 ? [name] : subjects,
    retention: read.choice('retention', ['limits', 'interest', 'workqueue']),
    max_consumers: read.limit('max_consumers'),
    max_msgs: read.limit('max_msgs'),
    max_bytes: read.limit('max_bytes'),
    max_age: read.whole('max_age'),
    max_msgs_per_subject: read.limit('max_msgs_per_subject'),
    max_msg_size: read.limit('max_msg_size'),
    discard: read.choice('discard', ['old', 'new']),
    storage: read.choice('storage', ['file', 'memory']),
    num_replicas: read.whole('num_replicas') || 1,
    ...(read.flag('no_ack') && { no_ack: true }),
    duplicate_window: read.whole('duplicate_window') || windowWithin(read.whole('max_age')),
    ...(placement && { placement }),
    ...(republish && { republish }),
    allow_direct: read.flag('allow_direct'),
    mirror_direct: read.flag('mirror_direct'),
    ...(discardNewPerSubject && { discard_new_per_subject: true }),
    sealed: read.flag('sealed'),
    deny_delete: read.flag('deny_delete'),
    deny_purge: read.flag('deny_purge'),
    allow_rollup_hdrs: read.flag('allow_rollup_hdrs'),
    ...(metadata && { metadata }),
  };
  check(config);
  return config;
}

/** One server holds one copy. @throws ApiError `streamReplicasNotSupported` */
export function requireOneReplica(config: StreamConfig): void {
  if (config.num_replicas > 1) throw apiError('streamReplicasNotSupported');
}

function checkName(name: string): void {
  if (name.length > LONGEST_NAME)
    throw invalid(`stream name is too long, maximum allowed is ${LONGEST_NAME}`);
  if (/[/\\]/.test(name)) throw apiError('streamNameContainsPathSeparators');
  if (name === '' || /[\s.*>]/.test(name))
    throw invalid("stream name is required and can not contain '.', '*', '>'");
}

function check(config: StreamConfig): void {
  if (config.num_replicas > MOST_REPLICAS) throw invalid(`maximum replicas is ${MOST_REPLICAS}`);
  if (config.num_replicas < 0) throw apiError('replicasCountNegative');
  if (config.max_age !== 0 && config.max_age < SHORTEST) throw invalid('max age needs to be >= 100ms');
  if (config.duplicate_window < 0) throw invalid('duplicates window can not be negative');
  if (config.max_age !== 0 && config.duplicate_window > config.max_age) {
    throw invalid('duplicates window can not be larger then max age');
  }
  if (config.duplicate_window < SHORTEST) throw invalid('duplicates window needs to be >= 100ms');
  if (config.deny_purge && config.allow_rollup_hdrs) throw invalid('roll-ups require the purge permission');
  if (config.discard_new_per_subject === true) {
    if (config.discard !== 'new') {
      throw invalid('discard new per subject requires discard new policy to be set');
    }
    if (config.max_msgs_per_subject <= 0) {
      throw invalid('discard new per subject requires max msgs per subject > 0');
    }
  }
  checkSubjects(config.subjects);
  if (config.republish) subjectMapping(config.republish, config.subjects);
}

function checkSubjects(given: readonly string[]): void {
  const subjects = given.map(toWireText);
  for (const [index, subject] of subjects.entries()) {
    if (!isSubscribable(subject)) throw invalid('invalid subject');
    if (subject.startsWith('$JS.API.') || subject === '$JS.API') {
      throw invalid('subjects overlap with jetstream api');
    }
    for (const other of subjects.slice(0, index)) {
      if (other === subject) throw invalid('duplicate subjects detected');
      if (overlap(other, subject)) throw invalid(`subject "${other}" overlaps with "${subject}"`);
    }
  }
}

function windowWithin(maxAge: number): number {
  return maxAge > 0 && maxAge < DEFAULT_WINDOW ? maxAge : DEFAULT_WINDOW;
}

function invalid(problem: string): Error {
  return apiError('streamInvalidConfig', problem);
}

/** Members of a JSON object by type; one of another type makes the whole text invalid, as it does for Go. */
class Reader {
  readonly #given: Json;

  constructor(given: Json) {
    this.#given = given;
  }

  text(name: string): string {
    return this.#member(name, '', (value) => typeof value === 'string');
  }

  texts(name: string): string[] {
    return this.#member<string[]>(
      name,
      [],
      (value) => Array.isArray(value) && value.every((one) => typeof one === 'string'),
    );
  }

  flag(name: string): boolean {
    return this.#member(name, false, (value) => typeof value === 'boolean');
  }

  whole(name: string): number {
    return this.#member(name, 0, (value) => Number.isInteger(value));
  }

  /** 0 means that there is no limit. */
  limit(name: string): number {
    return this.whole(name) || -1;
  }

  choice<T extends string>(name: string, choices: readonly [T, ...T[]]): T {
    return this.#member<T>(name, choices[0], (value) => choices.some((one) => one === value));
  }

  object(name: string): Json | undefined {
    return this.#member<Json | undefined>(name, undefined, isObject);
  }

  #member<T>(name: string, absent: T, fits: (value: unknown) => boolean): T {
    const value = this.#given[name];
    if (value === undefined || value === null) return absent;
    if (!fits(value)) throw apiError('invalidJson');
    return value as T;
  }
}
