/** What a stream may hold: refusing a message that does not fit, or making room for it. */
import type { SubjectEntry } from '../store/subject-table.ts';
import type { MessageLog } from './message-log.ts';
import type { StreamConfig } from './stream-config.ts';

/**
 * Why a message is refused under `discard: new`; undefined when it fits. A message that takes the place of an older
 * one of its subject always has room for its number.
 *
 * @param size what it counts for.
 */
export function overLimit(
  log: MessageLog,
  config: StreamConfig,
  subject: SubjectEntry | undefined,
  size: number,
): string | undefined {
  if (config.discard !== 'new') return undefined;
  const perSubject = config.max_msgs_per_subject;
  const replaces = perSubject > 0 && subject !== undefined && subject.messages >= perSubject;
  if (replaces && config.discard_new_per_subject === true) return 'maximum messages per subject exceeded';
  if (config.max_msgs > 0 && log.messages >= config.max_msgs && !replaces) return 'maximum messages exceeded';
  if (config.max_bytes <= 0) return undefined;
  let freed = 0;
  if (replaces) {
    const oldest = log.oldestOf(subject);
    if (oldest !== undefined) freed = log.sizeOf(oldest);
  }
  return log.bytes - freed + size > config.max_bytes ? 'maximum bytes exceeded' : undefined;
}

/**
 * Removes the oldest messages of a subject that has too many.
 *
 * @param most messages to remove at a time.
 * @returns whether the limit holds.
 */
export function enforceSubjectLimit(
  log: MessageLog,
  config: StreamConfig,
  subject: SubjectEntry,
  most: number,
): boolean {
  const limit = config.max_msgs_per_subject;
  if (limit <= 0) return true;
  for (let removed = 0; subject.messages > limit; removed++) {
    if (removed === most) return false;
    const oldest = log.oldestOf(subject);
    if (oldest === undefined) return true;
    log.remove(oldest.sequence);
  }
  return true;
}

/**
 * Removes the oldest messages while there are too many or too large.
 *
 * @param most messages to remove at a time.
 * @returns whether the limits hold.
 */
export function enforceLimits(log: MessageLog, config: StreamConfig, most: number): boolean {
  for (let removed = 0; isOver(log, config); removed++) {
    if (removed === most) return false;
    log.removeFirst();
  }
  return true;
}

function isOver(log: MessageLog, { max_msgs: messages, max_bytes: bytes }: StreamConfig): boolean {
  return (messages > 0 && log.messages > messages) || (bytes > 0 && log.bytes > bytes);
}
