import { fleet } from '@flotilla/cli';

export default fleet({
  name: 'shop',
  services: {
    stock: { entry: './stock.ts', replicas: 2 },
    shop: { entry: './shop.ts', after: ['stock'] },
  },
  faults: true,
});
