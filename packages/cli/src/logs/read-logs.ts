/** The logs of a fleet, for a command: from its supervisor while it runs, from its files when it does not. */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { connectControl, type LogRequest } from '../control/client.ts';
import { layoutOf } from '../data/layout.ts';
import type { FoundFleet } from '../data/which-fleet.ts';
import { Failure } from '../failure.ts';
import type { LogEntry } from './entry.ts';

/** @throws Failure `not_running` when it does not run and there is nothing to read, or it was to be followed. */
export async function* readLogs(fleet: FoundFleet, request: LogRequest): AsyncGenerator<LogEntry> {
  let running: ReturnType<typeof connectControl>;
  try {
    running = connectControl(fleet);
  } catch (error) {
    const { logs } = layoutOf(fleet.data);
    const readable = error instanceof Failure && error.code === 'not_running' && existsSync(logs);
    if (!readable || request.follow) throw error;
    yield* fromFiles(fleet.data, request);
    return;
  }
  yield* running.logs(request);
}

function fromFiles(data: string, { service, lines }: LogRequest): LogEntry[] {
  const layout = layoutOf(data);
  const names = readdirSync(layout.logs)
    .filter((name) => name.endsWith('.jsonl'))
    .map((name) => name.slice(0, -'.jsonl'.length));
  if (service !== undefined && !names.includes(service)) {
    throw new Failure('not_found', `there is no log of a service "${service}" in ${layout.logs}`, {
      repair: `use one of ${names.join(', ')}`,
    });
  }
  const wanted = service === undefined ? names : [service];
  const entries = wanted.flatMap((name) => lastEntries(layout.logFile(name), lines));
  entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
  return entries.slice(-lines || entries.length);
}

/** The current file, and its predecessor when that is too short. A line cut by a crash is left out. */
function lastEntries(file: string, count: number): LogEntry[] {
  let text = readFileSync(file, 'utf8');
  if (existsSync(`${file}.1`) && text.split('\n').length <= count)
    text = readFileSync(`${file}.1`, 'utf8') + text;
  return text
    .split('\n')
    .slice(-count - 1)
    .flatMap((line) => {
      try {
        return line === '' ? [] : [JSON.parse(line)];
      } catch {
        return [];
      }
    });
}
