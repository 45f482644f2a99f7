/** Which transfers have been credited, so that each is credited once. */
import type { StatementSync } from 'node:sqlite';
import { type Database, platformError } from 'flotilla';

interface Transfer {
  readonly account: string;
  /** Canonical text of the amounts. */
  readonly amounts: string;
}

export class Transfers {
  readonly #unwritten = new Map<string, Transfer>();
  readonly #select: StatementSync;
  readonly #insert: StatementSync;

  constructor(database: Pick<Database, 'prepare'>) {
    this.#select = database.prepare('SELECT account, amounts FROM transfers WHERE id = ?');
    this.#insert = database.prepare('INSERT INTO transfers VALUES (?, ?, ?)');
  }

  /**
   * Whether a transfer has not been credited yet.
   *
   * @throws FlotillaError `conflict` when it has been, with another content.
   */
  isNew(id: string, account: string, amounts: ReadonlyMap<string, bigint>): boolean {
    const before = this.#find(id);
    if (before === undefined) return true;
    if (before.account === account && before.amounts === canonical(amounts)) return false;
    throw platformError('conflict', `transfer ${id} was credited with another content: use another id`);
  }

  add(id: string, account: string, amounts: ReadonlyMap<string, bigint>): void {
    this.#unwritten.set(id, { account, amounts: canonical(amounts) });
  }

  /** Writes what was taken. Inside a transaction. */
  persist(): void {
    for (const [id, { account, amounts }] of this.#unwritten) this.#insert.run(id, account, amounts);
    this.#unwritten.clear();
  }

  #find(id: string): Transfer | undefined {
    const unwritten = this.#unwritten.get(id);
    if (unwritten) return unwritten;
    const row = this.#select.get(id);
    return row && { account: String(row.account), amounts: String(row.amounts) };
  }
}

function canonical(amounts: ReadonlyMap<string, bigint>): string {
  const entries = Array.from(amounts, ([asset, amount]) => [asset, amount.toString()] as const);
  return JSON.stringify(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}
