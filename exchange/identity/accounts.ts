/** Accounts on disk: who may trade, what each was opened with, and whether that has been credited. */
import type { Amount } from '@exchange/reference';
import { type Database, platformError } from 'flotilla';

export interface Account {
  readonly id: string;
  readonly funding: readonly Amount[];
  /** Whether ledger and risk have both confirmed the funding. */
  readonly funded: boolean;
}

export class Accounts {
  readonly #database: Database;
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#database = database;
    this.#statements = prepare(database);
  }

  /**
   * Writes a new account down, not funded yet. Where there is one with that name, in this moment or since long, that
   * one is given back, whatever it was opened with.
   *
   * @param name for participants of the fleet, who open their account again at every start
   * @throws FlotillaError `conflict` when the id belongs to an account without that name
   */
  async open(id: string, funding: readonly Amount[], name?: string): Promise<Account> {
    const { add, byId } = this.#statements;
    const row = await this.#database.write(() => {
      add.run(id, name ?? null, JSON.stringify(funding), Date.now());
      return byId.get(id);
    });
    if (row && row.name === (name ?? null)) return toAccount(row);
    throw platformError('conflict', `the account '${id}' belongs to somebody else: choose another name`);
  }

  /** Accounts whose funding is not confirmed, oldest first. */
  unfunded(): Account[] {
    return this.#statements.unfunded.all().map(toAccount);
  }

  markFunded(id: string): Promise<void> {
    return this.#database.write(() => {
      this.#statements.markFunded.run(id);
    });
  }
}

function toAccount(row: Record<string, unknown>): Account {
  const { id, funding, funded } = row;
  if (typeof id !== 'string' || typeof funding !== 'string') {
    throw platformError('internal', 'a row of the accounts table is not an account: restore the database');
  }
  return { id, funding: JSON.parse(funding) as Amount[], funded: funded === 1 };
}

function prepare(database: Database) {
  return {
    add: database.prepare(
      'INSERT INTO accounts (id, name, funding, opened_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
    ),
    byId: database.prepare('SELECT id, name, funding, funded FROM accounts WHERE id = ?'),
    unfunded: database.prepare(
      'SELECT id, funding, funded FROM accounts WHERE funded = 0 ORDER BY opened_at, id',
    ),
    markFunded: database.prepare('UPDATE accounts SET funded = 1 WHERE id = ?'),
  };
}
