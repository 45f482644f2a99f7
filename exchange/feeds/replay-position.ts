/** How far the recording has been played, on disk. */
import { accessSync, constants, statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { StatementSync } from 'node:sqlite';
import { type Database, platformError } from 'flotilla';

export interface Progress {
  /** The last event that is out; 0 at the beginning of a run. */
  readonly sequence: number;
  /** Gaps of the recording up to there. */
  readonly gaps: number;
}

export class ReplayPosition {
  /** Unlike any other run, also one from before the database was lost. */
  readonly run: number;
  /** Where to go on. */
  readonly start: Progress;
  readonly #database: Database;
  readonly #update: StatementSync;

  private constructor(database: Database, run: number, start: Progress) {
    this.run = run;
    this.start = start;
    this.#database = database;
    this.#update = database.prepare('UPDATE replay SET sequence = ?, gaps = ?, ended = ?');
  }

  /**
   * The position from which to play `file`. Another file, a changed one, or one that was played to its end begins a new
   * run.
   *
   * @throws FlotillaError `invalid_argument` when there is no such file, or it may not be read.
   */
  static async open(database: Database, file: string, now = Date.now()): Promise<ReplayPosition> {
    const recording = identify(file);
    const row = database.prepare('SELECT recording, run, sequence, gaps, ended FROM replay').get();
    if (row?.recording === recording && row.ended === 0) {
      const start = { sequence: Number(row.sequence), gaps: Number(row.gaps) };
      return new ReplayPosition(database, Number(row.run), start);
    }
    const run = Math.max(Number(row?.run ?? 0) + 1, now);
    await database.write(() =>
      database.prepare('INSERT OR REPLACE INTO replay VALUES (1, ?, ?, 0, 0, 0)').run(recording, run),
    );
    return new ReplayPosition(database, run, { sequence: 0, gaps: 0 });
  }

  /** Inside a transaction. @param ended the run: the next start plays the recording from its beginning. */
  write({ sequence, gaps }: Progress, ended: boolean): void {
    this.#update.run(sequence, gaps, ended ? 1 : 0);
  }

  /** Ends the run. Resolves once it is on disk. */
  end(progress: Progress): Promise<void> {
    return this.#database.write(() => this.write(progress, true));
  }
}

function identify(file: string): string {
  const path = resolve(file);
  try {
    accessSync(path, constants.R_OK);
    const status = statSync(path);
    if (!status.isFile()) throw platformError('invalid_argument', 'it is not a file');
    return `${path} ${status.size} ${status.mtimeMs}`;
  } catch (cause) {
    throw platformError(
      'invalid_argument',
      `EXCHANGE_FEED names the recording ${path}, which cannot be read: ${(cause as Error).message}. ` +
        'Correct the path, or leave EXCHANGE_FEED unset to trade on the simulated market alone',
      { cause },
    );
  }
}
