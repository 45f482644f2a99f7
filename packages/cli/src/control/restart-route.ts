/** The control request of a restart: answered at its end or, for a rolling one, with a line for each of its steps. */

import type { ServerResponse } from 'node:http';
import { Failure } from '../failure.ts';
import type { RestartProgress } from '../supervision/restart.ts';
import type { RestartFollower, RestartRun } from '../supervisor/supervisor.ts';

/** A line of a rolling restart. */
export type RestartEvent = { readonly time: string } & (
  | { readonly stage: 'begun'; readonly instances: readonly string[] }
  | RestartProgress
);

export interface Restartable {
  restart(name: string | undefined, rolling: boolean, follow: RestartFollower): RestartRun;
}

/** Resolves when all are ready again. */
export function restartPlainly(target: Restartable, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    target.restart(name, false, (progress) => {
      if (progress.stage === 'done') resolve();
      if (progress.stage === 'failed') reject(restartFailed(progress));
    });
  });
}

export function restartRolling(
  response: ServerResponse,
  target: Restartable,
  name: string | undefined,
): Promise<void> {
  return new Promise((resolve) => {
    // The first steps are taken within the call, before it is known what was begun.
    const early: RestartProgress[] = [];
    let tell = (progress: RestartProgress): void => void early.push(progress);
    const { instances, cancel } = target.restart(name, true, (progress) => tell(progress));
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const line = (event: object): void => {
      response.write(`${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`);
    };
    tell = (progress) => {
      line(progress);
      if (progress.stage !== 'done' && progress.stage !== 'failed') return;
      response.end();
      resolve();
    };
    line({ stage: 'begun', instances });
    for (const progress of early) tell(progress);
    // Whoever watched it has left: nothing more is taken away.
    response.on('close', () => cancel());
  });
}

export function restartFailed({ instance, reason }: { instance?: string; reason: string }): Failure {
  if (instance === undefined) return new Failure('restart_failed', reason);
  const service = instance.replace(/-\d+$/, '');
  return new Failure('restart_failed', `${instance} ${reason}`, {
    repair: `see flotilla logs ${service}; the supervisor goes on trying`,
  });
}
