/**
 * Accounts and their funding. An account is written down first; then the ledger books the deposit and risk credits it,
 * both once per transfer id; then it is marked as funded. A crash in between is repaired at the next start.
 */
import { Ledger } from '@exchange/ledger';
import type { Amount } from '@exchange/reference';
import { type Balance, Risk } from '@exchange/risk';
import { type Clients, type Database, type Logger, platformError } from 'flotilla';

export const uses = { Ledger, Risk };

interface Account {
  readonly id: string;
  readonly funding: readonly Amount[];
  readonly funded: boolean;
}

export class Accounts {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  /** Writes a new account down; it is not funded yet. */
  async create(id: string, funding: readonly Amount[], name?: string): Promise<Account> {
    await this.#database.write(() =>
      this.#database
        .prepare('INSERT INTO accounts (id, name, funding, opened_at) VALUES (?, ?, ?, ?)')
        .run(id, name ?? null, JSON.stringify(funding), Date.now()),
    );
    return { id, funding, funded: false };
  }

  byName(name: string): Account | undefined {
    const row = this.#database.prepare('SELECT id, funding, funded FROM accounts WHERE name = ?').get(name);
    return row ? toAccount(row) : undefined;
  }

  unfunded(): Account[] {
    return this.#database
      .prepare('SELECT id, funding, funded FROM accounts WHERE funded = 0')
      .all()
      .map(toAccount);
  }

  /** Credits what the account was opened with, once however often it is called. */
  async fund(account: Account, clients: Clients<typeof uses>): Promise<Balance[]> {
    const transfer = `funding:${account.id}`;
    const input = { transfer, account: account.id, amounts: [...account.funding] };
    await clients.Ledger.fund(input);
    const balances = await clients.Risk.fund(input);
    await this.#database.write(() =>
      this.#database.prepare('UPDATE accounts SET funded = 1 WHERE id = ?').run(account.id),
    );
    return balances;
  }

  /** Finishes, until `signal`, what a crash or an unavailable service left unfinished. */
  async finishFunding(clients: Clients<typeof uses>, log: Logger, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      for (const account of this.unfunded()) {
        if (signal.aborted) return;
        try {
          await this.fund(account, clients);
        } catch (error) {
          log.debug('account is still to be funded', { account: account.id, error });
        }
      }
      await pause(repairIntervalMs, signal);
    }
  }
}

const repairIntervalMs = 2_000;

function toAccount(row: Record<string, unknown>): Account {
  const { id, funding, funded } = row;
  if (typeof id !== 'string' || typeof funding !== 'string') {
    throw platformError('internal', 'a row of the accounts table is not an account: restore the database');
  }
  return { id, funding: JSON.parse(funding) as Amount[], funded: funded === 1 };
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
  });
}
