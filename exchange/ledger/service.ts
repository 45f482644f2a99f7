/** `ledger`: the book of record. It books every trade of the engine's log once. */
import { once } from 'node:events';
import { Matching } from '@exchange/matching';
import { EngineLog, followed } from '@exchange/matching/engine-log';
import { Reference } from '@exchange/reference';
import { KeptCatalogue } from '@exchange/reference/kept-catalogue';
import { service } from 'flotilla';
import { audit } from './audit.ts';
import { Bookkeeper } from './bookkeeper.ts';
import { Ledger } from './contract.ts';
import { Journal } from './journal.ts';
import { Verification } from './verification.ts';

export default service(Ledger, {
  version: '0.1.0',
  uses: { Matching, Reference },
  database: { migrations: new URL('./migrations/', import.meta.url) },
  async start({ database, clients, progress, log, signal }) {
    const units = new KeptCatalogue({ client: clients.Reference, database, log, signal });
    // Only a ledger that never knew a catalogue waits: it could book nothing.
    await Promise.race([units.ready, once(signal, 'abort')]);
    signal.throwIfAborted();
    const journal = new Journal(database);
    const bookkeeper = new Bookkeeper(database, journal, units);
    const engineLog = new EngineLog({
      client: clients.Matching,
      progress: progress('ledger', Matching),
    });
    return { units, journal, bookkeeper, engineLog, verification: new Verification(journal) };
  },
  subscriptions: ({ subscribe }) => [
    subscribe(Matching.logged, { group: 'ledger', ...followed }, (entry, { state }) =>
      state.bookkeeper.book(entry),
    ),
    subscribe(Reference.changed, { group: 'ledger', transaction: true }, (catalogue, { state }) =>
      state.units.follow(catalogue),
    ),
  ],
  operations: {
    async fund({ transfer, account, amounts }, ctx) {
      const isNew = await ctx.state.bookkeeper.deposit({ transfer, account, amounts });
      if (!isNew) ctx.replayed();
      return { transfer };
    },
    async audit({ full }, { state, signal, log }) {
      await state.engineLog.caughtUp({ signal });
      const result = await audit(state, { full, signal });
      if (!result.intact) log.error('the books are not intact', { fault: result.fault, head: result.head });
      return result;
    },
  },
  async stop({ units }) {
    await units.closed;
  },
});
