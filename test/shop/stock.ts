import { service } from 'flotilla';
import { Stock } from './contract.ts';

export default service(Stock, {
  version: '1.0.0',
  start: () => ({ begun: 0, abandoned: 0 }),
  operations: {
    count: (_input, { instance }) => ({ instance }),
    take: (_input, { instance }) => ({ instance }),
    budget: (_input, context) => ({ remainingMs: context.remainingMs() ?? -1 }),
    async ponder(_input, { signal, state }) {
      state.begun++;
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      state.abandoned++;
      throw signal.reason;
    },
    thoughts: (_input, { state }) => ({ ...state }),
  },
});
