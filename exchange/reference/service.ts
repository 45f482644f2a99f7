/** `reference`: what can be traded, as versioned documents; everybody hears of a new one. */
import { service } from 'flotilla';
import { CatalogueStore } from './catalogue-store.ts';
import { Reference } from './contract.ts';
import { firstCatalogue } from './first-catalogue.ts';
import { UnitsError } from './units.ts';

export default service(Reference, {
  version: '0.1.0',
  database: { migrations: new URL('./migrations/', import.meta.url) },
  start: ({ database }) => CatalogueStore.open(database, firstCatalogue),
  operations: {
    markets: (_input, { state }) => state.current.instruments,
    catalogue: (_input, { state }) => state.current,
    async list({ instrument, assets }, ctx) {
      try {
        return await ctx.transaction((tx) => {
          const { catalogue, isNew } = ctx.state.list(instrument, assets);
          if (isNew) tx.publish(Reference.changed, catalogue, { id: `catalogue-${catalogue.version}` });
          return catalogue;
        });
      } catch (error) {
        if (error instanceof UnitsError)
          throw Reference.list.error('invalid_instrument', { reason: error.message });
        throw error;
      }
    },
  },
});
