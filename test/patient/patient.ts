/** A service that does nothing but wait for others, as most do most of the time; the module of a process. */
import { contract, operation, service } from 'flotilla';
import { z } from 'zod';

export const Patient = contract('patient', {
  wait: operation({ summary: 'Waits so long', input: z.object({ ms: z.number() }), output: z.number() }),
  add: operation({ summary: 'Answers at once', input: z.object({ to: z.number() }), output: z.number() }),
});

export default service(Patient, {
  operations: {
    wait: ({ ms }) => new Promise<number>((resolve) => setTimeout(resolve, ms, ms)),
    add: ({ to }) => to + 1,
  },
});
