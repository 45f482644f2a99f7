/** A service that takes two milliseconds. `read` may be repeated, `write` may not. */
import { setTimeout as pause } from 'node:timers/promises';
import { contract, operation, service } from 'flotilla';
import { z } from 'zod';

const Text = z.object({ text: z.string() });

export const Echo = contract('echo', {
  read: operation({ input: Text, output: Text, idempotent: true }),
  write: operation({ input: Text, output: Text }),
});

async function echo(input: z.infer<typeof Text>): Promise<z.infer<typeof Text>> {
  await pause(2);
  return input;
}

export default service(Echo, { operations: { read: echo, write: echo } });
