/** `flotilla up --detach`: a supervisor in the background, watched until its fleet is ready or has failed. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { loadFleet } from '../config/load.ts';
import { resolveSettings } from '../config/settings.ts';
import { createLayout, layoutOf } from '../data/layout.ts';
import { EXIT_STATUS, Failure, type FailureCode } from '../failure.ts';
import { readyReport } from '../output/ready-report.ts';
import type { FleetEvent } from '../supervisor/fleet-event.ts';
import type { Surroundings } from './command.ts';
import { DETACHED, startFailed } from './up-foreground.ts';
import type { UpOptions } from './up-options.ts';

export async function upDetached(options: UpOptions, surroundings: Surroundings): Promise<void> {
  const { terminal, env, cwd } = surroundings;
  // Checked here first, because here its problems reach the terminal.
  const { fleet, file } = await loadFleet(options.config, cwd);
  const { data } = resolveSettings(fleet, file, options, env, cwd);
  const layout = layoutOf(data);
  createLayout(layout);
  const logFile = `${layout.logs}/supervisor.log`;
  const log = openSync(logFile, 'a', 0o600);
  const begins = readFileSync(logFile).length;
  const supervisor = spawn(process.execPath, [process.argv[1] ?? '', ...argumentsOf(options)], {
    cwd,
    env: { ...env, [DETACHED]: '1', NO_COLOR: '1' },
    stdio: ['ignore', log, log, 'ipc'],
    detached: true,
  });
  closeSync(log);
  const interrupt = (): void => void supervisor.kill('SIGTERM');
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    const event = await outcome(supervisor, () => readFileSync(logFile).subarray(begins).toString('utf8'));
    if (event.type === 'failed') throw startFailed(event.failures);
    if (event.type === 'stopped') throw new Failure('interrupted', 'stopped before the fleet was ready');
    if (event.type !== 'ready') return;
    if (options.json === true) terminal.out(`${JSON.stringify(event)}\n`);
    else terminal.out(readyReport(event, terminal.paintOut));
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    if (supervisor.connected) supervisor.disconnect();
    supervisor.unref();
  }
}

/** The event that decides the start. */
function outcome(supervisor: ReturnType<typeof spawn>, said: () => string): Promise<FleetEvent> {
  return new Promise((resolve, reject) => {
    supervisor.on('error', reject);
    supervisor.on('message', (message) => {
      const event = message as FleetEvent;
      if (event.type !== 'state') resolve(event);
    });
    supervisor.on('exit', (status) => reject(endedEarly(status, said())));
  });
}

/** It ended before it had a fleet (port taken, already running, …): its last words are its failure, as `--json` prints it. */
function endedEarly(status: number | null, said: string): Failure {
  for (const line of said.split('\n').reverse()) {
    if (!line.startsWith('{"error":')) continue;
    const { error } = JSON.parse(line) as {
      error: { code: FailureCode; message: string; repair?: string; data?: unknown };
    };
    if (!(error.code in EXIT_STATUS)) break;
    return new Failure(error.code, error.message, {
      data: error.data,
      ...(error.repair === undefined ? {} : { repair: error.repair }),
    });
  }
  return new Failure('start_failed', `the supervisor ended with status ${status}: ${said.trim()}`);
}

function argumentsOf(options: UpOptions): string[] {
  const flags = {
    config: options.config,
    data: options.data,
    'gateway-port': options.gatewayPort,
    'broker-port': options.brokerPort,
    host: options.host,
  };
  const given = Object.entries(flags).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`, value],
  );
  return ['up', '--json', ...given];
}
