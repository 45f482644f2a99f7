/** What a replay did, in a line. */

import type { ReplayReport } from 'flotilla/operators';
import { instant } from './age.ts';

export function replayLine(report: ReplayReport, group: string, dryRun: boolean): string {
  const { messages, first, last, events, stopped } = report;
  if (first === null || last === null) {
    return stopped ? 'stopped before the first\n' : 'no message is stored there\n';
  }
  const what = messages === 1 ? '1 message' : `${messages} messages`;
  const done = dryRun ? 'would be given to' : 'given to';
  const range =
    first.sequence === last.sequence
      ? `#${first.sequence} of ${instant(first.time)}`
      : `#${first.sequence} of ${instant(first.time)} to #${last.sequence} of ${instant(last.time)}`;
  const byEvent = Object.entries(events)
    .map(([event, count]) => `${event} ${count}`)
    .join(', ');
  return `${stopped ? 'stopped: ' : ''}${what} ${done} ${group}: ${range} (${byEvent})\n`;
}
