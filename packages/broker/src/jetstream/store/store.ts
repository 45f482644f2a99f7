/**
 * One database of the store and its part in the group commit. Whoever writes calls `begin` first; all writing goes
 * through `run`, so that a failed write ends the store and cannot be overlooked.
 */
import type { DatabaseSync, SQLInputValue } from 'node:sqlite';
import { CommitMark, commitsOf } from './commit-mark.ts';
import { type Durability, openDatabase } from './database.ts';
import type { FreeSpace } from './free-space.ts';
import type { BatchMember, GroupCommit } from './group-commit.ts';
import { Statement } from './statement.ts';

export class Store implements BatchMember {
  readonly path: string;
  readonly durability: Durability;
  readonly database: DatabaseSync;
  readonly commits: GroupCommit;
  readonly #space: FreeSpace | undefined;
  readonly #begin: Statement;
  readonly #commit: Statement;
  readonly #count: Statement;
  readonly #mark: CommitMark | undefined;
  #commits: number;
  #open = false;

  /**
   * @param space of the disk that the file is on.
   * @throws BrokerError when the file cannot be used; see `openDatabase`.
   */
  constructor(path: string, durability: Durability, commits: GroupCommit, space?: FreeSpace) {
    this.#space = space;
    this.path = path;
    this.durability = durability;
    this.database = openDatabase(path, durability);
    this.#mark = durability === 'disk' ? new CommitMark(path) : undefined;
    this.#commits = commitsOf(this.database);
    this.#count = new Statement(this.database, 'UPDATE numbers SET commits = ?');
    this.commits = commits;
    this.#begin = new Statement(this.database, 'BEGIN');
    this.#commit = new Statement(this.database, 'COMMIT');
  }

  /** Whether there is no room for more messages. */
  get isFull(): boolean {
    return this.#space?.isLow ?? false;
  }

  /** Joins the batch of this turn. */
  begin(): void {
    if (this.#open || this.commits.failed) return;
    this.commits.join(this);
    this.#open = true;
    this.run(this.#begin);
  }

  /**
   * Runs a statement that writes. Between `begin` and the end of the turn. When it fails, the store has failed: its owner
   * is told, and whatever is written after that goes nowhere, since nobody will ever be told of it.
   */
  run(statement: Statement, ...parameters: SQLInputValue[]): void {
    if (this.commits.failed) return;
    try {
      statement.run(...parameters);
    } catch (error) {
      this.commits.fail(error);
    }
  }

  /** The same for statements without parameters, such as the making of tables. */
  execute(work: (database: DatabaseSync) => void): void {
    if (this.commits.failed) return;
    try {
      work(this.database);
    } catch (error) {
      this.commits.fail(error);
    }
  }

  commit(): void {
    this.#count.run(++this.#commits);
    this.#commit.run();
    this.#mark?.write(this.#commits);
    this.#open = false;
    this.#space?.check();
  }

  rollback(): void {
    this.#open = false;
    if (this.database.isOpen && this.database.isTransaction) this.database.exec('ROLLBACK');
  }

  close(): void {
    if (!this.database.isOpen) return;
    this.database.close();
    this.#mark?.close();
  }
}
