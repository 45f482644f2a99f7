import { fleet } from '@flotilla/cli';

export default fleet({
  name: 'mailroom',
  services: {
    orders: { entry: './orders.ts' },
    mail: { entry: './mail.ts', after: ['orders'] },
  },
  gateway: false,
});
