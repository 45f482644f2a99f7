/**
 * `flotilla up` in this process. The first Ctrl-C stops the fleet cleanly, the second kills it. A supervisor started by
 * `up --detach` is this too, and tells its parent over IPC what happens.
 */

import { EXIT_STATUS, Failure } from '../failure.ts';
import { prettyEntry } from '../logs/pretty.ts';
import { readyReport } from '../output/ready-report.ts';
import type { Terminal } from '../output/terminal.ts';
import type { StartFailure } from '../supervision/fleet-state.ts';
import type { FleetEvent } from '../supervisor/fleet-event.ts';
import { type FleetRun, runFleet, SUPERVISOR_LOG } from '../supervisor/fleet-run.ts';
import type { Surroundings } from './command.ts';
import type { UpOptions } from './up-options.ts';

/** Under npm one Ctrl-C arrives twice: from the terminal, and passed on by npm. */
const SAME_SIGNAL_MS = 500;

/** In the environment of a detached supervisor. */
export const DETACHED = 'FLOTILLA_DETACHED';

export async function upInForeground(options: UpOptions, surroundings: Surroundings): Promise<void> {
  const { terminal, env, cwd } = surroundings;
  const detached = env[DETACHED] === '1';
  delete process.env[DETACHED];
  const json = options.json === true;
  let width = SUPERVISOR_LOG.length;
  const run = await runFleet({
    config: options.config,
    flags: options,
    env,
    cwd,
    onLog(entry) {
      // The services' lines of a detached fleet are in their own files.
      if (detached && entry.service !== SUPERVISOR_LOG) return;
      terminal.talk(json ? `${JSON.stringify(entry)}\n` : prettyEntry(entry, width, terminal.paintTalk));
    },
    onEvent(event) {
      if (detached) tellParent(event);
      else if (json) terminal.out(`${JSON.stringify(event)}\n`);
      else if (event.type === 'ready') terminal.out(readyReport(event, terminal.paintOut));
    },
  });
  width = Math.max(width, run.nameWidth);
  stopOnSignals(run, terminal, json || detached);
  const failures = await run.ended;
  if (failures.length > 0) throw startFailed(failures);
}

/** The failure of a start, with everything that each process said. */
export function startFailed(failures: readonly StartFailure[]): Failure {
  const lines = failures.map(({ instance, message, repair }) => {
    return `  ${instance}: ${message}${repair === undefined ? '' : ` (${repair})`}`;
  });
  return new Failure('start_failed', `the fleet cannot start:\n${lines.join('\n')}`, {
    repair: 'correct what is listed and start again; flotilla logs shows what the services wrote',
    data: { failures },
  });
}

function stopOnSignals(run: FleetRun, terminal: Terminal, quiet: boolean): void {
  let firstAt: number | undefined;
  const stop = (): void => {
    if (firstAt === undefined) {
      firstAt = performance.now();
      if (!quiet) terminal.talk('\nstopping the fleet; once more kills it\n');
      run.stop();
    } else if (performance.now() - firstAt >= SAME_SIGNAL_MS) {
      process.exitCode = EXIT_STATUS.interrupted;
      run.kill();
    }
  };
  process.on('SIGINT', stop);
  process.on('SIGTERM', stop);
  process.on('SIGHUP', stop);
  // Whoever started it to read its events is gone, and so is its terminal.
  terminal.onReaderGone(() => run.stop());
}

function tellParent(event: FleetEvent): void {
  if (!process.connected) return;
  process.send?.(event, undefined, undefined, () => {
    if (event.type === 'ready' && process.connected) process.disconnect?.();
  });
}
