/**
 * What every account can spend and what is held for its orders, in minor units. In memory; what changed is written
 * with the next commit.
 */
import type { StatementSync } from 'node:sqlite';
import { type Database, platformError } from 'flotilla';

/** An account's position in one asset. */
export interface Position {
  readonly account: string;
  readonly asset: string;
  readonly available: bigint;
  readonly held: bigint;
}

interface MutablePosition extends Position {
  available: bigint;
  held: bigint;
}

/** All accounts together may have this much of an asset, so that no sum of it leaves 64 bits. */
const MOST_PER_ASSET = 2n ** 62n;

export class Balances {
  readonly #accounts = new Map<string, Map<string, MutablePosition>>();
  readonly #totals = new Map<string, bigint>();
  readonly #dirty = new Set<MutablePosition>();
  readonly #upsert: StatementSync;

  constructor(database: Pick<Database, 'prepare'>) {
    this.#upsert = database.prepare(
      `INSERT INTO balances VALUES (?, ?, ?, ?)
       ON CONFLICT (account, asset) DO UPDATE SET available = excluded.available, held = excluded.held`,
    );
    const select = database.prepare('SELECT account, asset, available, held FROM balances');
    select.setReadBigInts(true);
    for (const row of select.all()) {
      const position = this.#position(String(row.account), String(row.asset));
      position.available = row.available as bigint;
      position.held = row.held as bigint;
      this.#supply(position.asset, position.available + position.held);
    }
  }

  /** Positions of an account by asset name; none for an unknown account. */
  of(account: string): readonly Position[] {
    const positions = this.#accounts.get(account);
    if (!positions) return [];
    return [...positions.values()].sort((left, right) => (left.asset < right.asset ? -1 : 1));
  }

  accounts(): string[] {
    return [...this.#accounts.keys()].sort();
  }

  available(account: string, asset: string): bigint {
    return this.#accounts.get(account)?.get(asset)?.available ?? 0n;
  }

  /** @throws FlotillaError `invalid_argument` when with these amounts there would be more than can be counted. */
  assertCreditable(amounts: ReadonlyMap<string, bigint>): void {
    for (const [asset, amount] of amounts) {
      if ((this.#totals.get(asset) ?? 0n) + amount <= MOST_PER_ASSET) continue;
      throw platformError(
        'invalid_argument',
        `there cannot be that much ${asset}: fund the account with less`,
      );
    }
  }

  /** Adds money that comes from outside. */
  credit(account: string, asset: string, amount: bigint): void {
    this.#supply(asset, amount);
    this.#change(account, asset).available += amount;
  }

  /** Sets part of what is available aside. Whether there is enough is for the caller to know. */
  hold(account: string, asset: string, amount: bigint): void {
    const position = this.#change(account, asset);
    position.available -= amount;
    position.held += amount;
  }

  /** Gives a hold back. */
  release(account: string, asset: string, amount: bigint): void {
    this.hold(account, asset, -amount);
  }

  /** A trade: of the hold, `spent` has left the account and the rest is available again. */
  spend(account: string, asset: string, hold: bigint, spent: bigint): void {
    const position = this.#change(account, asset);
    position.held -= hold;
    position.available += hold - spent;
  }

  /** A trade: what the account gets. */
  receive(account: string, asset: string, amount: bigint): void {
    this.#change(account, asset).available += amount;
  }

  /** Writes what changed. Inside a transaction. */
  persist(): void {
    for (const { account, asset, available, held } of this.#dirty) {
      this.#upsert.run(account, asset, available, held);
    }
    this.#dirty.clear();
  }

  #change(account: string, asset: string): MutablePosition {
    const position = this.#position(account, asset);
    this.#dirty.add(position);
    return position;
  }

  #position(account: string, asset: string): MutablePosition {
    let positions = this.#accounts.get(account);
    if (!positions) {
      positions = new Map();
      this.#accounts.set(account, positions);
    }
    let position = positions.get(asset);
    if (!position) {
      position = { account, asset, available: 0n, held: 0n };
      positions.set(asset, position);
    }
    return position;
  }

  #supply(asset: string, amount: bigint): void {
    this.#totals.set(asset, (this.#totals.get(asset) ?? 0n) + amount);
  }
}
