/** `ledger`: the book of record. It follows the engine's log and books every trade once. */
import { once } from 'node:events';
import { Matching } from '@exchange/matching';
import { followLog } from '@exchange/matching/follow';
import { Reference } from '@exchange/reference';
import { keepCatalogue } from '@exchange/reference/kept-catalogue';
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
  async start({ database, clients, log, signal }) {
    const units = keepCatalogue({ client: clients.Reference, database, log, signal });
    // Only a ledger that never knew a catalogue waits: it could book nothing.
    await Promise.race([units.ready, once(signal, 'abort')]);
    signal.throwIfAborted();
    const journal = new Journal(database);
    const bookkeeper = new Bookkeeper(database, journal, units);
    const follower = followLog({
      client: clients.Matching,
      after: bookkeeper.sequence,
      apply: (entry) => bookkeeper.book(entry),
      log,
      signal,
    });
    return { units, journal, bookkeeper, follower, verification: new Verification(journal) };
  },
  operations: {
    async fund({ transfer, account, amounts }, ctx) {
      const isNew = await ctx.state.bookkeeper.deposit({ transfer, account, amounts });
      if (!isNew) ctx.replayed();
      return { transfer };
    },
    async audit({ full }, { state, signal, log }) {
      await state.follower.caughtUp({ signal });
      const result = await audit(state, { full, signal });
      if (!result.intact) log.error('the books are not intact', { fault: result.fault, head: result.head });
      return result;
    },
  },
  async stop({ units, follower }) {
    await Promise.all([units.closed, follower.closed]);
  },
});
