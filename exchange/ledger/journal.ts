/**
 * The journal: transfers, their entries and the balances that they sum to, in SQLite. What is in it never changes; a
 * transfer is checked whole before the first of its rows is written.
 */
import type { SQLOutputValue, StatementSync } from 'node:sqlite';
import type { Database } from 'flotilla';
import { chainHash, genesisHash } from './hash-chain.ts';
import { type Entry, sameEntries, type Transfer, unbalancedAsset } from './transfer.ts';

export type JournalErrorCode =
  /** The entries of a transfer do not sum to zero. */
  | 'unbalanced'
  /** A balance would leave what 64 bits can hold. */
  | 'overflow'
  /** The id is that of a transfer with other entries. */
  | 'conflict';

/** A transfer that cannot be booked. Nothing of it was written. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
  readonly code: JournalErrorCode;

  constructor(code: JournalErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** The latest transfer; number 0 and the genesis hash before the first. */
export interface Head {
  readonly number: number;
  readonly hash: string;
}

/** A transfer as it is stored. */
export interface StoredTransfer extends Transfer, Head {}

export interface Balance {
  readonly account: string;
  readonly asset: string;
  /** Minor units. */
  readonly amount: bigint;
}

const most = 2n ** 63n - 1n;
const least = -most;

export class Journal {
  readonly #statements: ReturnType<typeof prepare>;

  constructor(database: Database) {
    this.#statements = prepare(database);
  }

  /**
   * Books a transfer; call it inside a transaction. False, and nothing happens, when it is booked already.
   *
   * @throws JournalError
   */
  post(transfer: Transfer): boolean {
    const { id, time, entries } = transfer;
    const known = this.#statements.byId.get(id);
    if (known) {
      this.#expectSame(Number(known.number), transfer);
      return false;
    }
    const asset = unbalancedAsset(entries);
    if (asset !== undefined) {
      throw new JournalError('unbalanced', `transfer ${id} does not sum to zero in ${asset}`);
    }
    const changed = this.#newBalances(transfer);
    const previous = this.head();
    const number = previous.number + 1;
    const { addTransfer, addEntry, setBalance } = this.#statements;
    addTransfer.run(number, id, time, chainHash(previous.hash, number, transfer));
    entries.forEach(({ account, asset, amount }, leg) => {
      addEntry.run(number, leg, account, asset, amount);
    });
    for (const { account, asset, amount } of changed) setBalance.run(account, asset, amount);
    return true;
  }

  head(): Head {
    const row = this.#statements.head.get();
    return row ? { number: Number(row.number), hash: String(row.hash) } : { number: 0, hash: genesisHash };
  }

  /** Every balance, by account and asset. */
  balances(): Balance[] {
    return this.#statements.balances.all().map((row) => ({
      account: String(row.account),
      asset: String(row.asset),
      amount: integer(row.amount),
    }));
  }

  /** Up to `count` transfers after a number, in order. */
  transfers(after: number, count: number): StoredTransfer[] {
    const found: (StoredTransfer & { readonly entries: Entry[] })[] = [];
    for (const row of this.#statements.transfers.all(after, count)) {
      const number = Number(row.number);
      let transfer = found.at(-1);
      if (transfer?.number !== number) {
        transfer = {
          number,
          id: String(row.id),
          time: Number(row.time),
          hash: String(row.hash),
          entries: [],
        };
        found.push(transfer);
      }
      if (row.account !== null) transfer.entries.push(toEntry(row));
    }
    return found;
  }

  #expectSame(number: number, { id, entries }: Transfer): void {
    if (sameEntries(this.#statements.entriesOf.all(number).map(toEntry), entries)) return;
    throw new JournalError(
      'conflict',
      `transfer ${id} is booked already, with other entries: give a new transfer a new id`,
    );
  }

  /** What the balances of the transfer's accounts become. */
  #newBalances({ id, entries }: Transfer): Balance[] {
    const changes = new Map<string, Balance>();
    for (const { account, asset, amount } of entries) {
      const key = `${account} ${asset}`;
      const before = changes.get(key)?.amount ?? this.#balance(account, asset);
      changes.set(key, { account, asset, amount: before + amount });
      expectStorable(amount, id, account, asset);
    }
    const balances = [...changes.values()];
    for (const { account, asset, amount } of balances) expectStorable(amount, id, account, asset);
    return balances;
  }

  #balance(account: string, asset: string): bigint {
    const row = this.#statements.balance.get(account, asset);
    return row ? integer(row.amount) : 0n;
  }
}

function expectStorable(amount: bigint, id: string, account: string, asset: string): void {
  if (amount >= least && amount <= most) return;
  throw new JournalError(
    'overflow',
    `transfer ${id} would bring the ${asset} of ${account} to ${amount} minor units: at most ${most} can be booked`,
  );
}

function toEntry(row: Record<string, SQLOutputValue>): Entry {
  return { account: String(row.account), asset: String(row.asset), amount: integer(row.amount) };
}

/** For statements that read integers as bigint. */
function integer(value: SQLOutputValue | undefined): bigint {
  return BigInt(value as bigint);
}

function prepare(database: Database) {
  const exact = (sql: string): StatementSync => {
    const statement = database.prepare(sql);
    statement.setReadBigInts(true);
    return statement;
  };
  return {
    byId: database.prepare('SELECT number FROM transfers WHERE id = ?'),
    head: database.prepare('SELECT number, hash FROM transfers ORDER BY number DESC LIMIT 1'),
    addTransfer: database.prepare('INSERT INTO transfers (number, id, time, hash) VALUES (?, ?, ?, ?)'),
    addEntry: database.prepare(
      'INSERT INTO entries (transfer, leg, account, asset, amount) VALUES (?, ?, ?, ?, ?)',
    ),
    entriesOf: exact('SELECT account, asset, amount FROM entries WHERE transfer = ? ORDER BY leg'),
    balance: exact('SELECT amount FROM balances WHERE account = ? AND asset = ?'),
    setBalance: database.prepare(
      `INSERT INTO balances (account, asset, amount) VALUES (?, ?, ?)
       ON CONFLICT DO UPDATE SET amount = excluded.amount`,
    ),
    balances: exact('SELECT account, asset, amount FROM balances ORDER BY account, asset'),
    transfers: exact(
      `SELECT number, id, time, hash, account, asset, amount
         FROM (SELECT * FROM transfers WHERE number > ? ORDER BY number LIMIT ?)
         LEFT JOIN entries ON transfer = number
        ORDER BY number, leg`,
    ),
  };
}
