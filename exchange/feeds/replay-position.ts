/** How far the recording has been played, on disk, so that a restart goes on with the next event. */
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { type Database, platformError } from 'flotilla';

export interface Position {
  readonly run: number;
  /** Last event that is out; 0 at the beginning of a run. */
  readonly sequence: number;
}

/**
 * The position from which to play `file`. Another file, a changed one, or one that was played to its end begins a new
 * run.
 *
 * @throws FlotillaError when the file cannot be read.
 */
export async function openPosition(database: Database, file: string): Promise<Position> {
  const recording = identify(file);
  const row = database.prepare('SELECT recording, run, sequence, ended FROM replay').get();
  if (row?.recording === recording && row.ended === 0) {
    return { run: Number(row.run), sequence: Number(row.sequence) };
  }
  const run = Number(row?.run ?? 0) + 1;
  await database.write(() =>
    database.prepare('INSERT OR REPLACE INTO replay VALUES (1, ?, ?, 0, 0)').run(recording, run),
  );
  return { run, sequence: 0 };
}

function identify(file: string): string {
  const path = resolve(file);
  try {
    const { size, mtimeMs } = statSync(path);
    return `${path} ${size} ${mtimeMs}`;
  } catch (cause) {
    throw platformError(
      'invalid_argument',
      `EXCHANGE_FEED names the recording ${path}, which cannot be read: ${(cause as Error).message}. ` +
        'Correct the path, or leave EXCHANGE_FEED unset to trade on the simulated market alone',
      { cause },
    );
  }
}
