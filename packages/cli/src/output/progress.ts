/** Says from time to time how far a long piece of work has come, so that nobody takes it for stuck. */

import type { Terminal } from './terminal.ts';

const EVERY_MS = 2_000;

/** @param what has been done, such as `redriven`. */
export function progress(what: string, { talk }: Pick<Terminal, 'talk'>): (done: number) => void {
  let due = performance.now() + EVERY_MS;
  return (done) => {
    const now = performance.now();
    if (now < due) return;
    due = now + EVERY_MS;
    talk(`${done} ${what} so far\n`);
  };
}
