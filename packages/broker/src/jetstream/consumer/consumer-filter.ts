/** Which messages of its stream a consumer gets. */
import { toWireText } from '../../protocol/wire-text.ts';
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import { SubjectFilter } from '../stream/subject-filter.ts';
import type { ConsumerConfig } from './consumer-config.ts';

/** Undefined when it gets everything: because it has no filter, or one that is the stream's only subject. */
export function filterOf(config: ConsumerConfig, stream: ConsumerStream): SubjectFilter | undefined {
  const { filter_subject } = config;
  const [only, ...others] = stream.config.subjects.map(toWireText);
  if (filter_subject === '' || (only === filter_subject && others.length === 0)) return undefined;
  return new SubjectFilter(filter_subject);
}
