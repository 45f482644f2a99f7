/** Where a new consumer begins, by its deliver policy. */
import type { ConsumerStream } from '../stream/consumer-stream.ts';
import type { SubjectFilter } from '../stream/subject-filter.ts';
import type { ConsumerConfig } from './consumer-config.ts';
import { SkipList } from './skip-list.ts';
import { readTimeUs } from './start-time.ts';

export interface Start {
  /** The first sequence to be looked at. */
  readonly next: number;
  /** What is delivered before that rule holds; undefined for most. */
  readonly skip: SkipList | undefined;
}

export function startOf(
  config: ConsumerConfig,
  stream: ConsumerStream,
  filter: SubjectFilter | undefined,
): Start {
  // Asking the stream may commit messages that were still open: its bounds are read after that.
  const from = (wanted: number): Start => ({
    next: Math.min(Math.max(wanted, stream.firstSequence), stream.lastSequence + 1),
    skip: undefined,
  });
  switch (config.deliver_policy) {
    case 'all':
      return from(stream.firstSequence);
    case 'new':
      return from(stream.lastSequence + 1);
    case 'last':
      return from(filter === undefined ? stream.lastSequence : stream.lastMatching(filter));
    case 'by_start_sequence':
      return from(config.opt_start_seq);
    case 'by_start_time':
      return from(stream.firstAtOrAfter(readTimeUs(config.opt_start_time) ?? 0));
    case 'last_per_subject': {
      const sequences = stream.lastPerSubject(filter);
      if (sequences.length === 0) return from(stream.lastSequence);
      return { next: sequences[0]!, skip: new SkipList(sequences, stream.lastSequence) };
    }
  }
}
