/** A service of which one operation needs the dependency and the other does not. */
import { setTimeout as pause } from 'node:timers/promises';
import { contract, operation, service } from 'flotilla';
import { z } from 'zod';
import { Dependency } from './dependency.ts';

const Text = z.object({ text: z.string() });

export const Front = contract('front', {
  plain: operation({ input: Text, output: Text, idempotent: true }),
  needy: operation({ input: Text, output: Text, idempotent: true }),
});

export default service(Front, {
  uses: { Dependency },
  operations: {
    async plain(input) {
      await pause(2);
      return input;
    },
    needy: (input, { clients }) => clients.Dependency.look(input),
  },
});
