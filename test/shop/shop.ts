import { service } from 'flotilla';
import { Shop, Stock } from './contract.ts';

export default service(Shop, {
  version: '1.0.0',
  uses: { Stock },
  operations: {
    browse: (_input, { clients }) => clients.Stock.count(),
    buy: (_input, { clients }) => clients.Stock.take(),
    menu: () => ({ items: 3 }),
    async budget(_input, context) {
      const { remainingMs } = await context.clients.Stock.budget();
      return { mineMs: context.remainingMs() ?? -1, stockMs: remainingMs };
    },
    async ponder(_input, { clients }) {
      await clients.Stock.ponder();
    },
  },
});
