/**
 * Where a stored message is published again: the subject that the destination makes of it. A destination may use
 * what stood for the wildcards of the source, as `$1` or `{{wildcard(1)}}`, and the rest with `>`.
 */
import { isSubscribable } from '../../protocol/subject.ts';
import { toWireText } from '../../protocol/wire-text.ts';
import { apiError } from '../api/api-error.ts';
import type { Republish } from './stream-config.ts';
import { overlap, SubjectFilter } from './subject-filter.ts';

/** A subject as wire text → where it goes, or undefined when the source does not match. */
export type SubjectMapping = (subject: string) => string | undefined;

/**
 * @param subjects of the stream: a destination among them would never end.
 * @throws ApiError `streamInvalidConfig`
 */
export function subjectMapping(
  { src = '', dest = '' }: Partial<Republish>,
  subjects: readonly string[],
): SubjectMapping {
  const source = toWireText(src === '' ? '>' : src);
  const destination = toWireText(dest);
  if (!isSubscribable(source) || !isSubscribable(destination)) throw invalid(src, dest);
  if (!subjects.some((subject) => overlap(toWireText(subject), source))) {
    throw apiError(
      'streamInvalidConfig',
      'stream configuration for republish source is not valid subset of subjects',
    );
  }
  const sourceTokens = source.split('.');
  const wildcards = sourceTokens.flatMap((token, index) => (token === '*' ? [index] : []));
  const hasTail = sourceTokens.at(-1) === '>';
  const parts = destination.split('.').map((token): string | number => {
    const reference = /^(?:\$(\d+)|\{\{\s*wildcard\(\s*(\d+)\s*\)\s*\}\})$/i.exec(token);
    if (reference === null) {
      if (token === '*' || (token === '>' && !hasTail)) throw invalid(src, dest);
      return token;
    }
    const position = wildcards[Number(reference[1] ?? reference[2]) - 1];
    if (position === undefined) throw invalid(src, dest);
    return position;
  });
  const reached = parts.map((part) => (typeof part === 'number' ? '*' : part)).join('.');
  if (subjects.some((subject) => overlap(toWireText(subject), reached))) {
    throw apiError('streamInvalidConfig', 'stream configuration for republish destination forms a cycle');
  }

  const filter = new SubjectFilter(source);
  const tailAt = sourceTokens.length - 1;
  return (subject) => {
    if (!filter.matches(subject)) return undefined;
    const tokens = subject.split('.');
    return parts
      .map((part) =>
        typeof part === 'number' ? tokens[part] : part === '>' ? tokens.slice(tailAt).join('.') : part,
      )
      .join('.');
  };
}

function invalid(source: string, destination: string): Error {
  return apiError(
    'streamInvalidConfig',
    `stream configuration for republish with transform from "${source}" to "${destination}" not valid`,
  );
}
