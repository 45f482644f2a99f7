/** The journal: every command that had an effect, with what it did, under gapless sequences from 1. */
import type { StatementSync } from 'node:sqlite';
import { type Database, FlotillaError } from 'flotilla';
import type { LogEntry } from './contract.ts';
import type { Command, EngineEvent } from './engine/index.ts';

export interface JournalEntry {
  readonly sequence: number;
  readonly time: number;
  readonly command: Command;
  readonly events: readonly EngineEvent[];
}

/**
 * An entry as others see it: without its command. The engine passes orders through as they came, so its events have the
 * fields of the contract's.
 */
export function logEntry({ sequence, time, events }: JournalEntry): LogEntry {
  return { sequence, time, events: events as unknown as LogEntry['events'] };
}

/** How many rows are read at a time. */
const PAGE = 512;

/** What a journal needs of its database; a file opened only for reading has no more. */
export type JournalSource = Pick<Database, 'prepare'>;

export class Journal {
  readonly #insert: () => StatementSync;
  readonly #page: StatementSync;
  readonly #last: StatementSync;

  constructor(database: JournalSource) {
    let insert: StatementSync | undefined;
    this.#insert = () =>
      (insert ??= database.prepare(
        'INSERT INTO journal (sequence, time, command, events) VALUES (?, ?, ?, ?)',
      ));
    this.#page = database.prepare(
      `SELECT sequence, time, command, events FROM journal WHERE sequence > ? ORDER BY sequence LIMIT ${PAGE}`,
    );
    this.#last = database.prepare('SELECT max(sequence) AS sequence FROM journal');
  }

  /** Sequence of the last entry; 0 for an empty journal. */
  get last(): number {
    return Number(this.#last.get()!.sequence ?? 0);
  }

  /** Inside a transaction. */
  append({ sequence, time, command, events }: JournalEntry): void {
    this.#insert().run(sequence, time, JSON.stringify(command), JSON.stringify(events));
  }

  /** At most one page of entries after a sequence, oldest first. */
  page(after: number): JournalEntry[] {
    let expected = after;
    return this.#page.all(after).map((row) => {
      const sequence = Number(row.sequence);
      expected += 1;
      if (sequence !== expected) throw gap(expected, sequence);
      return {
        sequence,
        time: Number(row.time),
        command: parse(sequence, row.command) as Command,
        events: parse(sequence, row.events) as EngineEvent[],
      };
    });
  }

  /**
   * All entries after a sequence.
   *
   * @throws FlotillaError `journal_gap` or `journal_damaged`, naming the entry.
   */
  *after(sequence: number): Generator<JournalEntry, void> {
    let last = sequence;
    for (let page = this.page(last); page.length > 0; page = this.page(last)) {
      yield* page;
      last = page.at(-1)!.sequence;
    }
  }
}

function parse(sequence: number, text: unknown): unknown {
  try {
    return JSON.parse(String(text));
  } catch (cause) {
    throw new FlotillaError(
      'journal_damaged',
      `entry ${sequence} of the journal cannot be read: restore the database of matching from a backup`,
      { cause },
    );
  }
}

function gap(expected: number, found: number): FlotillaError {
  return new FlotillaError(
    'journal_gap',
    `the journal has no entry ${expected}, the next one is ${found}: restore the database of matching from a backup`,
  );
}
