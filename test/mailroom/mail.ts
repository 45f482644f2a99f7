import { FlotillaError, service } from 'flotilla';
import { Mail, Orders } from './contract.ts';

export default service(Mail, {
  version: '1.0.0',
  start: () => ({ sent: [] as string[], mended: false }),
  subscriptions: ({ subscribe, work }) => [
    subscribe(Orders.placed, { group: 'mail' }, ({ order, customer }, { state }) => {
      if (customer === 'nobody' && !state.mended)
        throw new FlotillaError('not_found', 'nobody has an address');
      state.sent.push(order);
    }),
    work(Orders.placed, { group: 'printer' }, () => {}),
  ],
  operations: {
    sent: (_input, { state }) => ({ orders: state.sent }),
    mend(_input, { state }) {
      state.mended = true;
    },
  },
});
