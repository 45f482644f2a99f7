/** The service that falls ill. */
import { setTimeout as pause } from 'node:timers/promises';
import { contract, operation, service } from 'flotilla';
import { z } from 'zod';

const Text = z.object({ text: z.string() });

export const Dependency = contract('dependency', {
  look: operation({ input: Text, output: Text, idempotent: true }),
});

export default service(Dependency, {
  operations: {
    async look(input) {
      await pause(2);
      return input;
    },
  },
});
