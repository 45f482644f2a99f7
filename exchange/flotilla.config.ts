/** The Exchange fleet on one machine: `npm start` runs it. */
import { fleet } from '@flotilla/cli';

export default fleet({
  name: 'exchange',
  // `flotilla fault add` may break it on purpose: that is what it is there for.
  faults: true,
  services: {
    reference: { entry: './reference/service.ts' },
    matching: { entry: './matching/service.ts', after: ['reference'] },
    risk: { entry: './risk/service.ts', after: ['matching'] },
    ledger: { entry: './ledger/service.ts', after: ['matching'] },
    orders: { entry: './orders/service.ts', after: ['matching'] },
    'market-data': { entry: './market-data/service.ts', after: ['matching'] },
    identity: {
      entry: './identity/service.ts',
      after: ['ledger', 'risk'],
      // Anybody who reaches the gateway may open a funded account: for demonstrations only.
      env: { DEMO_ACCOUNTS: true },
    },
    feeds: {
      entry: './feeds/service.ts',
      after: ['identity', 'risk', 'matching'],
      env: { EXCHANGE_FEED: process.env.EXCHANGE_FEED },
    },
  },
  gateway: {
    auth: { issuer: 'exchange-identity', audience: 'exchange', keys: 'identity.keys' },
  },
});
