/** The stream of the log on the broker: that of the event `logged`, to which nothing else is published. */
import type { ServiceRuntime } from 'flotilla';
import { Matching } from './contract.ts';
import type { LogStream } from './log-relay.ts';

export function streamOfLog(
  runtime: Pick<ServiceRuntime<unknown, never>, 'streamEnd' | 'publish'>,
): LogStream {
  return {
    async end() {
      const { sequence, last } = await runtime.streamEnd(Matching.logged);
      return { after: sequence, entry: last?.payload };
    },
    async append(entry, after) {
      const { sequence, time } = entry;
      // With its time: the entry of another log under this number is no repetition of it.
      const id = `${sequence}-${time}`;
      const published = await runtime.publish(Matching.logged, entry, { id, expectedLast: after });
      return published.sequence;
    },
  };
}
