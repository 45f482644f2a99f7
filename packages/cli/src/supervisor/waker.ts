/**
 * Lets a process that was stopped go on when this one is gone. It cannot notice the death of its supervisor while it stands
 * still, and would stay behind for good; a shell can, that waits for the end of a pipe.
 */

import { spawn } from 'node:child_process';

/** Returns what calls it off. */
export function wakeAfterUs(pid: number): () => void {
  const shell = spawn('/bin/sh', ['-c', 'read -r _; kill -CONT "$0"', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    env: {},
    // Ctrl-C is for the supervisor: it lets the process go on itself.
    detached: true,
  });
  // Where there is no shell the process stays behind, as it would without this.
  shell.on('error', () => {});
  shell.unref();
  return () => shell.kill('SIGKILL');
}
