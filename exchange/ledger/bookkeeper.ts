/** Turns what happens into transfers: trades of the engine's log, and deposits. */
import type { LogEntry } from '@exchange/matching';
import type { Amount } from '@exchange/reference';
import type { KnownCatalogue } from '@exchange/reference/known-catalogue';
import { parseDecimal, UnitsError } from '@exchange/reference/units';
import { type Database, type FlotillaError, platformError } from 'flotilla';
import { houseAccount } from './contract.ts';
import { type Journal, JournalError } from './journal.ts';
import { deposit, type Trade, tradeTransfer } from './transfer.ts';

/** Where the bookkeeper learns what a tick, a lot and a minor unit are. */
export type Units = Pick<KnownCatalogue, 'get' | 'decimals'>;

export interface Deposit {
  /** Names the deposit for ever. */
  readonly transfer: string;
  readonly account: string;
  readonly amounts: readonly Amount[];
}

export class Bookkeeper {
  readonly #database: Database;
  readonly #journal: Journal;
  readonly #units: Units;

  constructor(database: Database, journal: Journal, units: Units) {
    this.#database = database;
    this.#journal = journal;
    this.#units = units;
  }

  /**
   * Books the trades of an entry of the log. Inside a transaction.
   *
   * @throws FlotillaError, JournalError when it cannot be booked: the transaction must be undone.
   */
  book({ events }: Pick<LogEntry, 'events'>): void {
    for (const event of events) if (event.kind === 'trade') this.#bookTrade(event);
  }

  /**
   * Books a deposit from the house; resolves once it is on disk, with false when it was there already.
   *
   * @throws FlotillaError `invalid_argument` for an amount that cannot be booked, `conflict` when the transfer is
   * booked with other amounts or for another account.
   */
  async deposit({ transfer, account, amounts }: Deposit): Promise<boolean> {
    if (account === houseAccount) {
      throw platformError(
        'invalid_argument',
        `deposits come from the account '${houseAccount}': name another one`,
      );
    }
    const minor = amounts.map(({ asset, amount }) => ({ asset, amount: this.#minorUnits(asset, amount) }));
    const booking = deposit(transfer, account, minor, Date.now());
    try {
      return await this.#database.write(() => this.#journal.post(booking));
    } catch (error) {
      throw error instanceof JournalError ? refusal(error) : error;
    }
  }

  #bookTrade(trade: Trade): void {
    const instrument = this.#units.get(trade.symbol);
    if (!instrument) {
      throw platformError(
        'unavailable',
        `a trade in ${trade.symbol} cannot be booked before reference says what its ticks and lots are`,
      );
    }
    this.#journal.post(tradeTransfer(trade, instrument.units));
  }

  #minorUnits(asset: string, amount: string): bigint {
    const decimals = this.#units.decimals(asset);
    if (decimals === undefined) {
      throw platformError('invalid_argument', `${asset} is not an asset of this exchange: list it first`);
    }
    try {
      return parseDecimal(amount, decimals);
    } catch (error) {
      if (!(error instanceof UnitsError)) throw error;
      throw platformError('invalid_argument', `${amount} ${asset} cannot be booked: ${error.message}`);
    }
  }
}

function refusal(error: JournalError): FlotillaError {
  const { code, message } = error;
  const platformCode = {
    conflict: 'conflict',
    overflow: 'invalid_argument',
    unbalanced: 'internal',
  } as const;
  return platformError(platformCode[code], message, { cause: error });
}
