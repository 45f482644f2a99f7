/** Follows a rolling restart: a line for each step, and a failure when it stopped. */

import type { ControlClient } from '../control/client.ts';
import { Failure } from '../failure.ts';
import type { Terminal } from '../output/terminal.ts';

/** @throws Failure `restart_failed` when an instance did not come back; those after it were left alone. */
export async function rollingRestart(
  control: ControlClient,
  name: string | undefined,
  json: boolean,
  terminal: Terminal,
): Promise<void> {
  let instances: readonly string[] = [];
  let done = 0;
  let begunAt = 0;
  const say = (text: string): void => terminal.talk(`[${done + 1}/${instances.length}] ${text}\n`);
  for await (const event of control.rollingRestart(name)) {
    if (json) terminal.out(`${JSON.stringify(event)}\n`);
    switch (event.stage) {
      case 'begun':
        instances = event.instances;
        break;
      case 'replacing':
        begunAt = performance.now();
        if (!json) say(`restarting ${event.instance}`);
        break;
      case 'ready':
        if (!json) say(`${event.instance} is ready after ${secondsSince(begunAt)} s`);
        break;
      case 'settled':
        done++;
        break;
      case 'failed':
        throw stopped(event.instance, event.reason, instances, done);
      case 'done':
        return;
    }
  }
  throw stopped(undefined, 'the fleet was stopped', instances, done);
}

function secondsSince(then: number): string {
  return ((performance.now() - then) / 1000).toFixed(1);
}

function stopped(
  instance: string | undefined,
  reason: string,
  instances: readonly string[],
  done: number,
): Failure {
  if (instance === undefined) return new Failure('restart_failed', reason);
  const left = instances.slice(done + 1);
  const others = left.length === 0 ? '' : `; not restarted, and running as before: ${left.join(', ')}`;
  const service = instance.replace(/-\d+$/, '');
  return new Failure('restart_failed', `the rolling restart stopped: ${instance} ${reason}${others}`, {
    repair: `see flotilla ps and flotilla logs ${service}; run it again when ${instance} is ready`,
    data: { instance, reason, restarted: instances.slice(0, done), left },
  });
}
