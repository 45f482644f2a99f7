/**
 * Finding messages of a stream by subject. A literal subject is looked up in the index; a filter with wildcards is
 * first tried on the next messages in order, which is best when many match, and then subject by subject.
 */
import { DamagedRecord } from '../store/damaged-record.ts';
import type { MessageLog } from './message-log.ts';
import type { Block } from './read-ahead.ts';
import type { StoredMessage } from './stored-message.ts';
import type { SubjectFilter } from './subject-filter.ts';

/** Messages looked at in order before the subjects are asked. */
const LOOKED_AT = 64;
/** From this many matching subjects on, looking at messages in order is the better way after all. */
const MOST_SUBJECTS = 2_000;
const BLOCK = 1_024;

/** The first message at or after `from` that matches. @throws DamagedRecord */
export function nextMatch(
  log: MessageLog,
  from: number,
  filter: SubjectFilter | undefined,
): StoredMessage | undefined {
  if (filter === undefined) return log.next(from);
  if (from >= log.tailFirst) {
    let message = log.next(from);
    while (message !== undefined && !filter.matches(message.subject))
      message = log.next(message.sequence + 1);
    return message;
  }
  const block = log.knownAhead(from);
  return block === undefined ? nextStored(log, from, filter) : nextInBlock(log, block, from, filter);
}

/** By what says where messages of a subject are. What is near is read with what follows it. */
function nextStored(log: MessageLog, from: number, filter: SubjectFilter): StoredMessage | undefined {
  const sequence = nextMatchingSequence(log, from, filter);
  log.requireAll(from, Math.min(sequence ?? from, from + LOOKED_AT));
  if (sequence === undefined) return undefined;
  if (sequence < from + LOOKED_AT) log.ahead(sequence);
  const message = log.knownAhead(sequence)?.next(sequence) ?? log.load(sequence);
  // The index and the message must agree.
  if (message?.sequence !== sequence || !filter.matches(message.subject))
    throw new DamagedRecord(log.name, sequence);
  return message;
}

function nextInBlock(
  log: MessageLog,
  block: Block,
  from: number,
  filter: SubjectFilter,
): StoredMessage | undefined {
  for (let at = from; at < block.end; ) {
    const message = block.next(at);
    log.requireAll(at, message?.sequence ?? block.end);
    if (message === undefined) break;
    if (filter.matches(message.subject)) return message;
    at = message.sequence + 1;
  }
  return block.end > log.lastSequence ? undefined : nextMatch(log, block.end, filter);
}

/** The sequence of the first message at or after `from` that matches. */
export function nextMatchingSequence(
  log: MessageLog,
  from: number,
  filter: SubjectFilter | undefined,
): number | undefined {
  const start = Math.max(from, log.firstSequence);
  if (filter === undefined) return log.sequenceAfter(start);
  if (filter.isLiteral) {
    const entry = log.subjects.find(filter.subject);
    if (entry === undefined || entry.last < start) return undefined;
    return log.table.sequenceOfSubject(entry.id, start) ?? entry.last;
  }
  const near = log.outlines(start, LOOKED_AT);
  for (const message of near) if (filter.matches(message.subject)) return message.sequence;
  const last = near.at(-1);
  if (last === undefined || near.length < LOOKED_AT) return undefined;
  return farMatch(log, last.sequence + 1, filter);
}

function farMatch(log: MessageLog, from: number, filter: SubjectFilter): number | undefined {
  const candidates: number[] = [];
  for (const { id, last } of log.subjects.matching(filter)) {
    if (last >= from && candidates.push(id) > MOST_SUBJECTS) return scan(log, from, filter);
  }
  let nearest: number | undefined;
  for (const id of candidates) {
    const sequence = log.table.sequenceOfSubject(id, from);
    if (sequence !== undefined && (nearest === undefined || sequence < nearest)) nearest = sequence;
  }
  return nearest;
}

function scan(log: MessageLog, from: number, filter: SubjectFilter): number | undefined {
  for (let start = from; ; ) {
    const block = log.outlines(start, BLOCK);
    for (const message of block) if (filter.matches(message.subject)) return message.sequence;
    const last = block.at(-1);
    if (last === undefined || block.length < BLOCK) return undefined;
    start = last.sequence + 1;
  }
}

/**
 * Whether {@link countMatching} looks at few subjects, and then at not many more than `most` messages.
 */
export function isSoonCounted(
  log: MessageLog,
  from: number,
  filter: SubjectFilter | undefined,
  most: number,
): boolean {
  const first = log.firstSequence;
  const last = log.lastSequence;
  if (last - from < BLOCK) return true;
  if (filter === undefined) {
    if (from <= first || log.messages === last - first + 1) return true;
  } else if (filter.isLiteral) {
    if (from <= first || (log.subjects.find(filter.subject)?.messages ?? 0) <= most) return true;
  } else if (log.subjects.count > MOST_SUBJECTS) return false;
  else if (from <= first) return true;
  return Math.min(from - first, last - from) <= most;
}

/** How many stored messages at or after `from` match. */
export function countMatching(log: MessageLog, from: number, filter: SubjectFilter | undefined): number {
  const first = log.firstSequence;
  const last = log.lastSequence;
  if (from > last) return 0;
  if (filter === undefined) {
    if (from <= first) return log.messages;
    if (log.messages === last - first + 1) return last - from + 1;
    // Whichever side is shorter is counted.
    return from - first < last - from
      ? log.messages - log.table.count(first, from)
      : log.table.count(from, last + 1);
  }
  if (last - from < BLOCK) {
    return log.outlines(from, BLOCK).reduce((sum, { subject }) => sum + Number(filter.matches(subject)), 0);
  }
  // Whichever side is shorter is counted: of each subject it is known how many there are on both.
  const isNearFirst = from - first < last - from;
  let count = 0;
  for (const { id, messages, last: lastOfSubject } of [...log.subjects.matching(filter)]) {
    if (from <= first) count += messages;
    else if (lastOfSubject < from) continue;
    else if (isNearFirst) count += messages - log.table.countOfSubject(id, first, from);
    else count += log.table.countOfSubject(id, from, last + 1);
  }
  return count;
}

/** The last sequence of every subject that matches, ascending. */
export function lastPerSubject(log: MessageLog, filter: SubjectFilter | undefined): number[] {
  const found: number[] = [];
  for (const { last } of log.subjects.matching(filter)) found.push(last);
  return found.sort((a, b) => a - b);
}

/** The last message that matches; 0 when there is none. */
export function lastMatching(log: MessageLog, filter: SubjectFilter | undefined): number {
  let last = 0;
  for (const subject of log.subjects.matching(filter)) last = Math.max(last, subject.last);
  return last;
}

/** The first sequence that was stored at that time or later; one more than the last when there is none. */
export function firstAtOrAfter(log: MessageLog, timeUs: number): number {
  // Times increase with sequences, so that halving finds it.
  let low = log.firstSequence;
  let high = log.lastSequence + 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = log.table.timeAfter(middle);
    if (found === undefined || found[1] >= timeUs) high = middle;
    else low = found[0] + 1;
  }
  return log.sequenceAfter(low) ?? log.lastSequence + 1;
}
