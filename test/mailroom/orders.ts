import { service } from 'flotilla';
import { Orders } from './contract.ts';

export default service(Orders, {
  version: '1.0.0',
  operations: {
    async place(order, context) {
      const { sequence } = await context.publish(Orders.placed, order);
      return { sequence };
    },
  },
});
