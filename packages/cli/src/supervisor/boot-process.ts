/**
 * The first module of a supervised service or gateway: `node boot-process.js <modules to load> <program> [entry]`.
 *
 * Most of a start is loading code. A process that has to wait for others loads its share meanwhile, says `loaded`, and
 * runs its program when it is told to `start`. What it loads first has no effects; the entry is not touched before.
 */

import { flushCompileCache } from 'node:module';
import { pathToFileURL } from 'node:url';

const [node = '', , preload = '', program = '', ...rest] = process.argv;

// Until the program looks after itself: without a supervisor there is nothing to wait for.
process.on('disconnect', () => {
  if (process.listenerCount('disconnect') === 1) process.exit(0);
});
// It may be gone already, before anything listened.
if (process.send !== undefined && !process.connected) process.exit(0);

/** Resolves when told to start, with what was not yet known of the environment. */
const told = new Promise<void>((resolve) => {
  if (process.env.FLOTILLA_STANDBY !== '1') {
    resolve();
    return;
  }
  process.on('message', function listen(message: unknown) {
    if (typeof message !== 'object' || message === null || !('type' in message) || message.type !== 'start')
      return;
    process.off('message', listen);
    if ('env' in message) Object.assign(process.env, message.env);
    resolve();
  });
});

await import(pathToFileURL(preload).href);
// The processes that come after this one find the code compiled.
flushCompileCache();
process.send?.({ type: 'loaded' });
await told;
delete process.env.FLOTILLA_STANDBY;
// The program finds its arguments where it would if it had been run itself.
process.argv = [node, program, ...rest];
await import(pathToFileURL(program).href);
